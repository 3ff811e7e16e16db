/**
 * The `state` location: small named documents beside the data (run records, journals). Keys are `/`-separated
 * names without `..`. A write is atomic and durable when it resolves.
 */
export interface StateReader {
  /** Where it is, for people. */
  readonly location: string;
  /** The document, or undefined when there is none. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<readonly string[]>;
}

/** The same, to write to. */
export interface StateStore extends StateReader {
  write(key: string, body: Uint8Array): Promise<void>;
  /** Adds to the end of a document, durable when it resolves. A torn last line can be left by a crash. */
  append(key: string, body: Uint8Array): Promise<void>;
  /** Asked for what is not there, it does nothing. */
  delete(key: string): Promise<void>;
}
