/**
 * What went wrong, in the words every host understands. A connector translates its vendor's status and code
 * into one of these at its border; nobody further in reads error text.
 */
export type ErrorCode =
  | "invalid-input" // the user's input or configuration; exit 2
  | "unauthenticated" // no credentials, or they were refused
  | "forbidden" // known to the other side, but not allowed
  | "not-found"
  | "already-exists"
  | "conflict" // somebody else changed the same thing in the meantime
  | "too-large" // over a limit of the other side
  | "throttled" // asked to slow down
  | "unavailable" // not reachable, or not able to answer now
  | "timeout"
  | "corrupt" // the bytes are not what they must be
  | "not-supported" // the other side (or this version) cannot do it
  | "lease-held" // another run is at work on the same target
  | "unbalanced" // an equation does not hold
  | "cancelled"
  | "internal"; // a mistake in Lakeferry

export interface ErrorOptions {
  readonly code: ErrorCode;
  /** What the reader can do next. */
  readonly hint?: string | undefined;
  /** Whether the same request may succeed when it is made again. Default: by code. */
  readonly retryable?: boolean | undefined;
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(["throttled", "unavailable", "timeout"]);

/** The one error class: the message names the object and the reason, `hint` says what to do next. */
export class LakeferryError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions) {
    super(message, { cause: options.cause });
    this.name = "LakeferryError";
    this.code = options.code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? RETRYABLE.has(options.code);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error of an aborted run: what was sealed stays, the rest is taken up by the next run. */
export function cancelled(signal: AbortSignal): LakeferryError {
  return new LakeferryError("The run was cancelled.", { code: "cancelled", cause: signal.reason });
}

/** Anything thrown, as a `LakeferryError`; what is not ours is a mistake in Lakeferry. */
export function asLakeferryError(error: unknown): LakeferryError {
  if (error instanceof LakeferryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LakeferryError(message, { code: "internal", cause: error });
}

/** Errors after which no other step of the run can succeed either. */
export function endsRun(error: LakeferryError): boolean {
  return ["unauthenticated", "lease-held", "cancelled", "internal"].includes(error.code);
}
