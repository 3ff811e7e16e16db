import { asLakeferryError } from "../job/errors.ts";
import type { Lease, LeaseClaim, LeaseHolder } from "../job/lease.ts";
import { wait } from "./wait.ts";

export interface AcquireOptions {
  readonly ttlMs: number;
  readonly takeOver: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Told once when the run has to wait. */
  readonly waiting: (text: string) => void;
}

/** How far two answers on the end of a lease may be apart that was not renewed between them. */
const SAME_END_MS = 2_000;

/**
 * Takes a lease. Where another machine holds it and nobody can tell whether that run is alive, this one waits until the
 * lease ends, or until it is renewed: a renewed lease is that of a living run.
 * @throws LakeferryError `lease-held` when a living run holds it
 */
export async function acquireLease(
  claim: LeaseClaim,
  holder: LeaseHolder,
  o: AcquireOptions,
): Promise<Lease> {
  let end: number | undefined;
  for (;;) {
    try {
      return await claim.store.acquire(claim.key, holder, o);
    } catch (thrown) {
      const error = asLakeferryError(thrown);
      if (error.code !== "lease-held" || error.retryAfterMs === undefined) throw error;
      const ends = o.now() + error.retryAfterMs;
      if (end !== undefined && ends > end + SAME_END_MS) throw error;
      if (end === undefined)
        o.waiting(`${error.message} Waiting for a sign of life from it, or for the end of its lease.`);
      end = ends;
      await wait(Math.min(error.retryAfterMs + 100, o.ttlMs / 6), o.signal);
    }
  }
}
