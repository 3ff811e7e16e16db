import { LakeferryError } from "../../job/errors.ts";
import type { Pacer } from "../../job/pacer.ts";
import type { Body } from "./body.ts";
import type { Answer } from "./collector.ts";
import type { CredentialCache } from "./credential-cache.ts";
import type { Grant } from "./credentials.ts";
import { apiError, type Subject } from "./errors.ts";
import { jsonObject } from "./json-object.ts";
import type { Transport } from "./transport.ts";
import { USER_AGENT } from "./user-agent.ts";

export interface ApiRequest extends Subject {
  /** What the pacer paces it as: `workspace/list`. */
  readonly endpoint: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Encoded, with its query. */
  readonly path: string;
  readonly json?: unknown;
  readonly body?: Body;
  readonly idempotent: boolean;
  readonly headersTimeoutMs?: number;
}

/** Authenticated requests to one workspace, each made through the pacer exactly once. */
export class Api {
  readonly origin: string;
  readonly #transport: Transport;
  readonly #credentials: CredentialCache;
  readonly #pacer: Pacer;
  readonly #signal: AbortSignal;
  readonly #now: () => number;

  constructor(
    origin: string,
    o: {
      transport: Transport;
      credentials: CredentialCache;
      pacer: Pacer;
      signal: AbortSignal;
      now: () => number;
    },
  ) {
    this.origin = origin;
    this.#transport = o.transport;
    this.#credentials = o.credentials;
    this.#pacer = o.pacer;
    this.#signal = o.signal;
    this.#now = o.now;
  }

  /**
   * Makes the request and reads its successful answer; any other answer is thrown as a `LakeferryError`. What `read`
   * throws counts as the attempt's failure, so that the pacer can retry a retryable one. Refused credentials are
   * renewed once, where they can be, and the request goes through the pacer once more: a refused request did nothing.
   */
  async call<T>(request: ApiRequest, read: (answer: Answer) => T): Promise<T> {
    // Encoded once for all attempts. Credentials are obtained before the pacer, so that waiting for them takes no room.
    const body = request.json === undefined ? request.body : Buffer.from(JSON.stringify(request.json));
    await this.#credentials.grant();
    let refused: Grant | undefined;
    const attempt = async (signal: AbortSignal): Promise<T> => {
      const grant = this.#credentials.fresh ?? (await this.#credentials.grant());
      const answer = await this.#transport.send({
        what: request.what,
        origin: this.origin,
        method: request.method,
        path: request.path,
        headers: headersOf(grant, request, body),
        body,
        signal,
        headersTimeoutMs: request.headersTimeoutMs,
      });
      if (answer.status >= 200 && answer.status < 300) return read(answer);
      if (answer.status === 401) refused = grant;
      throw apiError(request, answer, { credentials: this.#credentials.provider, now: this.#now() });
    };
    const options = { idempotent: request.idempotent, signal: this.#signal };
    try {
      return await this.#pacer.call(request.endpoint, attempt, options);
    } catch (error) {
      if (!refused || !(error instanceof LakeferryError) || error.code !== "unauthenticated") throw error;
      if (!(await this.#credentials.renewed(refused))) throw error;
      return this.#pacer.call(request.endpoint, attempt, options);
    }
  }

  /** The same, with a JSON object as the answer. @throws LakeferryError `corrupt` when it is none, such as a login page */
  json(request: ApiRequest): Promise<Record<string, unknown>> {
    return this.call(request, (answer) => jsonObject(request, answer));
  }
}

function headersOf(grant: Grant, request: ApiRequest, body: Body | undefined): Record<string, string> {
  const headers: Record<string, string> = { ...grant.headers, "user-agent": USER_AGENT };
  if (body)
    headers["content-type"] = request.json === undefined ? "application/octet-stream" : "application/json";
  return headers;
}
