export interface CallOptions {
  /** Whether the request may be made twice. Only such requests are retried after an unclear failure. */
  readonly idempotent: boolean;
  /** Aborts this call alone, beside the run's own signal. */
  readonly signal?: AbortSignal;
}

/**
 * The one place where requests are paced and retried. The runtime makes it, connectors call it once per remote
 * request; no connector and no job has a retry loop of its own.
 */
export interface Pacer {
  /**
   * Makes `request`, when `endpoint` has room for it. A retryable `LakeferryError` is retried with full jitter, or
   * after the time the other side named; a `throttled` one is retried always (the other side did nothing) and
   * slows the endpoint down.
   *
   * @param endpoint what the other side limits, such as `workspace/export`
   */
  call<T>(endpoint: string, request: (signal: AbortSignal) => Promise<T>, options: CallOptions): Promise<T>;
  /** Tells the rate the other side publishes for an endpoint (requests per second): used once it throttles. */
  publish(endpoint: string, perSecond: number): void;
}
