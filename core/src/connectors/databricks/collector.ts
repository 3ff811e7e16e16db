import { setMaxListeners } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer that broke off: how much of how much had come. */
export class BrokenAnswer extends Error {
  readonly received: string;

  constructor(received: number, announced: number | undefined, cause: Error) {
    super("the answer broke off", { cause });
    this.received = announced === undefined ? `${received} bytes` : `${received} of ${announced} bytes`;
  }
}

const unlimited = new WeakSet<AbortSignal>();

/** Many requests listen to one run's signal, which is no leak: Node would warn from the eleventh on. */
export function expectManyListeners(signal: AbortSignal): void {
  if (unlimited.has(signal)) return;
  setMaxListeners(0, signal);
  unlimited.add(signal);
}

/** The answer ended before its announced length. */
export function shortBody(): Error {
  return Object.assign(new Error("short body"), { code: "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" });
}

/**
 * Collects one answer from undici's dispatcher. Leaner than `request()`, whose body is a stream per answer: lists are
 * many and small. A body is complete only when it is as long as its `Content-Length` said.
 */
export class Collector implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #signal: AbortSignal;
  #settle!: { resolve(answer: Answer): void; reject(error: Error): void };
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #received = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    expectManyListeners(signal);
    signal.addEventListener("abort", this.#abort);
  }

  /** An abort is answered at once, even while the request waits for a connection; it is then never sent. */
  readonly #abort = (): void => {
    const reason = new Error("aborted", { cause: this.#signal.reason });
    this.#controller?.abort(reason);
    this.#fail(reason);
  };

  #fail(error: Error): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#chunks = [];
    this.#settle.reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(new Error("aborted", { cause: this.#signal.reason }));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
  }

  onResponseEnd(): void {
    const announced = this.#announced();
    if (announced !== undefined && announced !== this.#received) this.#fail(this.#broken(shortBody()));
    else this.#finish();
  }

  #finish(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#received);
    this.#settle.resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#status >= 200 ? this.#broken(error) : error);
  }

  #announced(): number | undefined {
    const header = this.#headers["content-length"];
    return header === undefined ? undefined : Number(header);
  }

  #broken(cause: Error): BrokenAnswer {
    return new BrokenAnswer(this.#received, this.#announced(), cause);
  }
}
