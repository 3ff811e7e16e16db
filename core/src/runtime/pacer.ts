import { asLakeferryError, cancelled, LakeferryError } from "../job/errors.ts";
import { errorFacts, type RunEvent } from "../job/events.ts";
import type { CallOptions, Pacer } from "../job/pacer.ts";
import { timeSpan } from "../job/quantities.ts";
import { Lane } from "./lane.ts";
import { wait } from "./wait.ts";

export interface PacerOptions {
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
  say(event: Extract<RunEvent, { type: "request-retried" | "throttled" }>): void;
  /** Tries of a request that fails with a retryable error, the first included. Default 6. */
  readonly attempts?: number;
  /** The longest a request waits between its tries in all, whatever the other side asks for. Default 15 minutes. */
  readonly patienceMs?: number;
}

const BACKOFF_BASE_MS = 250;
const BACKOFF_CAP_MS = 20_000;

/**
 * Paces and retries every remote request of a run. An endpoint is unlimited until the other side throttles it; from
 * then on it runs at the published rate, or at what was measured, and feels its way up again.
 */
export function createPacer(options: PacerOptions): Pacer {
  const { signal, now, random, say, attempts = 6, patienceMs = 15 * 60_000 } = options;
  const lanes = new Map<string, Lane>();
  const lane = (endpoint: string): Lane => {
    const found = lanes.get(endpoint) ?? new Lane(now);
    lanes.set(endpoint, found);
    return found;
  };
  // Full jitter, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
  const backoff = (attempt: number) => random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);

  async function call<T>(
    endpoint: string,
    request: (signal: AbortSignal) => Promise<T>,
    o: CallOptions,
  ): Promise<T> {
    const both = o.signal ? AbortSignal.any([signal, o.signal]) : signal;
    const road = lane(endpoint);
    let failures = 0;
    let waited = 0;
    for (;;) {
      await road.enter(both);
      try {
        const answer = await request(both);
        road.succeeded();
        return answer;
      } catch (thrown) {
        if (both.aborted) throw cancelled(both);
        const error = asLakeferryError(thrown);
        const waitMs = error.retryAfterMs ?? backoff(failures);
        failures += 1;
        waited += waitMs;
        if (!mayRetry(error, o, failures)) throw error;
        if (waited > patienceMs) throw outOfPatience(error);
        if (error.code === "throttled") {
          if (road.throttled(waitMs)) say({ type: "throttled", endpoint, perSecond: road.perSecond, waitMs });
        } else {
          say({ type: "request-retried", endpoint, attempt: failures, waitMs, error: errorFacts(error) });
        }
        await wait(waitMs, both);
      }
    }
  }

  function mayRetry(error: LakeferryError, o: CallOptions, failures: number): boolean {
    // A throttled request was not carried out: making it again is safe whatever it does.
    if (error.code === "throttled") return true;
    return error.retryable && o.idempotent && failures < attempts;
  }

  return { call, publish: (endpoint, perSecond) => lane(endpoint).publish(perSecond) };
}

/** The same error, saying what the other side asked for. */
function outOfPatience(error: LakeferryError): LakeferryError {
  const { message, code, hint, retryable, retryAfterMs } = error;
  if (retryAfterMs === undefined) return error;
  return new LakeferryError(`${message} It asks to wait ${timeSpan(retryAfterMs / 1000)}.`, {
    code,
    hint: hint ?? "Run the same command again when that time is over.",
    retryable,
    retryAfterMs,
    cause: error,
  });
}
