import { asLakeferryError, LakeferryError } from "../job/errors.ts";
import type { LeaseClaim, LeaseHolder } from "../job/lease.ts";
import { type AcquireOptions, acquireLease } from "./acquire-lease.ts";

export interface HoldOptions extends AcquireOptions {
  /** Told once when the lease was lost: the run must not write any more. */
  readonly lost: (error: LakeferryError) => void;
}

export interface HeldLease {
  /** Gives it back; the last holder does `last` before. */
  release(last: () => Promise<void>): Promise<void>;
}

/** Takes a lease and renews it at a third of its time to live, until it is released. */
export async function holdLease(claim: LeaseClaim, holder: LeaseHolder, o: HoldOptions): Promise<HeldLease> {
  const lease = await acquireLease(claim, holder, o);
  let renewing: Promise<void> = Promise.resolve();
  let renewedAt = o.now();
  const renew = async () => {
    try {
      await lease.renew();
      renewedAt = o.now();
    } catch (thrown) {
      const { code, message } = asLakeferryError(thrown);
      // A renewal that did not get through is tried again at the next beat; the lease is lost when somebody else has it, or when it is over.
      const over = o.now() - renewedAt > o.ttlMs;
      if (code !== "lease-held" && code !== "conflict" && !over) return;
      clearInterval(timer);
      o.lost(
        new LakeferryError(`The lease on ${claim.key} was lost: ${message}`, {
          code: "lease-held",
          cause: thrown,
          hint: "Another run took over, or the destination could not be reached for too long. Run the same command again.",
        }),
      );
    }
  };
  const timer = setInterval(() => {
    renewing = renew();
  }, o.ttlMs / 3);
  timer.unref();
  return {
    async release(last) {
      clearInterval(timer);
      await renewing;
      await lease.release(last);
    },
  };
}
