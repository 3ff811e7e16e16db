import type { Readable } from "node:stream";

/**
 * What a request sends. A stream is given as a factory, because every attempt needs a fresh one, with its length,
 * because Databricks refuses uploads without a `Content-Length`.
 */
export type Body = Uint8Array | { readonly length: number; open(): Readable };

export function bodyStream(body: Body): Uint8Array | Readable {
  return body instanceof Uint8Array ? body : body.open();
}
