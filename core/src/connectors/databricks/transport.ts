import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { LakeferryError } from "../../job/errors.ts";
import { type Body, bodyStream } from "./body.ts";
import { type Answer, BrokenAnswer, Collector, expectManyListeners, shortBody } from "./collector.ts";
import { createDispatcher, type DispatcherOptions } from "./dispatcher.ts";
import { networkError } from "./network-errors.ts";

/** One request. `path` is encoded already and carries its query. */
export interface Exchange {
  /** For messages: `export of /Users/a`. */
  readonly what: string;
  /** `https://host[:port]`. */
  readonly origin: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds until the answer begins; an export of a folder takes its time. */
  readonly headersTimeoutMs?: number | undefined;
  /** Milliseconds that the answer may stand still. */
  readonly bodyIdleMs?: number | undefined;
}

export interface StreamedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Is read no faster than it is consumed. Destroying it closes the connection; a broken answer destroys it with a `LakeferryError`. */
  readonly body: Readable;
}

/**
 * HTTP over one bounded pool. It makes a request once: retries are the pacer's. Every status but a redirect is an
 * answer; what is no answer is a `LakeferryError` (`unavailable`, `timeout`, `cancelled`).
 */
export class Transport {
  readonly #dispatcher: Dispatcher;
  readonly #answered = new Set<string>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** @throws LakeferryError `invalid-input` when the CA file cannot be used */
  static async open(options: DispatcherOptions): Promise<Transport> {
    return new Transport(await createDispatcher(options));
  }

  /** Makes the request and reads the whole answer. Aborted while it waits for a connection, it is not sent. */
  async send(exchange: Exchange): Promise<Answer> {
    if (exchange.signal.aborted) throw this.#translated(exchange, exchange.signal.reason);
    const collector = new Collector(exchange.signal);
    try {
      this.#dispatcher.dispatch(this.#options(exchange), collector);
      const answer = await collector.answer;
      this.#answered.add(exchange.origin);
      refuseRedirect(exchange, answer.status, answer.headers);
      return answer;
    } catch (error) {
      throw this.#translated(exchange, error);
    }
  }

  /** Makes the request and hands the body over as it comes. The body must be read to its end or destroyed. */
  async stream(exchange: Exchange): Promise<StreamedAnswer> {
    expectManyListeners(exchange.signal);
    try {
      const { statusCode, headers, body } = await this.#dispatcher.request({
        ...this.#options(exchange),
        signal: exchange.signal,
      });
      this.#answered.add(exchange.origin);
      try {
        refuseRedirect(exchange, statusCode, headers);
      } catch (error) {
        body.destroy();
        throw error;
      }
      return { status: statusCode, headers, body: this.#checked(exchange, headers, body) };
    } catch (error) {
      throw this.#translated(exchange, error);
    }
  }

  /** Closes every connection; requests under way fail. Asked twice, it does nothing. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  #options(exchange: Exchange): Dispatcher.DispatchOptions {
    const { origin, method, path, body, headersTimeoutMs, bodyIdleMs } = exchange;
    return {
      origin,
      method,
      path,
      headers: body
        ? { ...exchange.headers, "content-length": String(body.length) }
        : { ...exchange.headers },
      body: body ? bodyStream(body) : null,
      ...(headersTimeoutMs === undefined ? {} : { headersTimeout: headersTimeoutMs }),
      ...(bodyIdleMs === undefined ? {} : { bodyTimeout: bodyIdleMs }),
    };
  }

  #checked(exchange: Exchange, headers: IncomingHttpHeaders, body: Readable): Readable {
    const announced = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
    const translated = (cause: Error, received: number) =>
      this.#translated(exchange, new BrokenAnswer(received, announced, cause));
    async function* counted() {
      let received = 0;
      try {
        for await (const chunk of body) {
          received += chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw translated(error as Error, received);
      }
      if (announced !== undefined && announced !== received && exchange.method !== "HEAD")
        throw translated(shortBody(), received);
    }
    return Readable.from(counted(), { objectMode: false });
  }

  #translated(exchange: Exchange, error: unknown): LakeferryError {
    return networkError(exchange.what, error, {
      signal: exchange.signal,
      host: new URL(exchange.origin).host,
      hostAnswered: this.#answered.has(exchange.origin),
      received: error instanceof BrokenAnswer ? error.received : undefined,
    });
  }
}

/** The API never redirects: a redirect comes from a login page or from another address of the same workspace. */
function refuseRedirect(exchange: Exchange, status: number, headers: IncomingHttpHeaders): void {
  if (status < 300 || status >= 400) return;
  const to = typeof headers.location === "string" ? URL.parse(headers.location, exchange.origin) : null;
  throw new LakeferryError(
    `${exchange.what}: ${exchange.origin} redirects${to ? ` to ${to.origin}` : ""} instead of answering.`,
    {
      code: "invalid-input",
      hint:
        to && to.origin !== exchange.origin
          ? `Set \`host\` to the workspace's own address; it may be ${to.origin}. Credentials are not sent after a redirect.`
          : "Set `host` to the workspace's own address, without a path; a login page in front of it cannot be passed.",
    },
  );
}
