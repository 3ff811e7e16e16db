import { asLakeferryError, LakeferryError } from "../job/errors.ts";
import type { Lease, LeaseClaim, LeaseHolder } from "../job/lease.ts";

export interface HeldLease {
  /** Aborts when the lease was lost: the run must not write any more. */
  readonly lost: AbortSignal;
  /** Whether this was the last holder. */
  release(): Promise<boolean>;
}

/** Takes a lease and renews it at a third of its time to live, until it is released. */
export async function holdLease(
  claim: LeaseClaim,
  holder: LeaseHolder,
  options: { ttlMs: number; takeOver: boolean },
): Promise<HeldLease> {
  const lease: Lease = await claim.store.acquire(claim.key, holder, options);
  const lost = new AbortController();
  let renewing: Promise<void> = Promise.resolve();
  let renewedAt = Date.now();
  const timer = setInterval(() => {
    renewing = lease.renew().then(
      () => {
        renewedAt = Date.now();
      },
      (thrown) => {
        const error = asLakeferryError(thrown);
        // A renewal that did not get through is tried again at the next beat; it is lost when somebody else has it, or when it is over.
        if (
          error.code === "lease-held" ||
          error.code === "conflict" ||
          Date.now() - renewedAt > options.ttlMs
        ) {
          lost.abort(
            new LakeferryError(`The lease on ${claim.key} was lost: ${error.message}`, {
              code: "lease-held",
              cause: thrown,
              hint: "Another run took over, or the destination could not be reached for too long. Run the same command again.",
            }),
          );
        }
      },
    );
  }, options.ttlMs / 3);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await renewing;
      return lease.release();
    },
  };
}
