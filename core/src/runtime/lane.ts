import { wait } from "./wait.ts";

const MEASURE_MS = 2_000;
const CUT_EVERY_MS = 1_000;

/** The pace of one endpoint: open until it is throttled, then a rate that is cut on each 429 and rises slowly between. */
export class Lane {
  readonly #now: () => number;
  #rate = Number.POSITIVE_INFINITY;
  #published: number | undefined;
  #nextAt = 0;
  #pausedUntil = 0;
  #lastCut = Number.NEGATIVE_INFINITY;
  #lastRise = 0;
  #windowStart = 0;
  #windowCount = 0;
  #measured = 1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Requests per second it allows now. */
  get perSecond(): number {
    return this.#rate;
  }

  publish(perSecond: number): void {
    this.#published = perSecond;
  }

  /** Waits until a request may go out. Requests leave in the order they came. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (;;) {
      const now = this.#now();
      if (now < this.#pausedUntil) {
        await wait(this.#pausedUntil - now, signal);
        continue;
      }
      if (!Number.isFinite(this.#rate)) return;
      const at = Math.max(now, this.#nextAt);
      this.#nextAt = at + 1000 / this.#rate;
      if (at > now) await wait(at - now, signal);
      if (this.#now() >= this.#pausedUntil) return;
    }
  }

  succeeded(): void {
    const now = this.#now();
    if (now - this.#windowStart >= MEASURE_MS) {
      this.#measured = (this.#windowCount * 1000) / Math.max(MEASURE_MS, now - this.#windowStart);
      this.#windowStart = now;
      this.#windowCount = 0;
    }
    this.#windowCount += 1;
    if (Number.isFinite(this.#rate) && now - Math.max(this.#lastRise, this.#lastCut) >= CUT_EVERY_MS) {
      this.#lastRise = now;
      this.#rate = this.#rate * 1.03 + 0.1;
    }
  }

  /** Slows down. Many requests in flight are refused at once: one cut a second answers them all. Says whether it cut. */
  throttled(pauseMs: number): boolean {
    const now = this.#now();
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
    if (now - this.#lastCut < CUT_EVERY_MS) return false;
    this.#lastCut = now;
    const known =
      this.#published ??
      Math.max(1, this.#measured, (this.#windowCount * 1000) / Math.max(1, now - this.#windowStart));
    this.#rate = this.#rate > known ? known : Math.max(1, this.#rate * 0.8);
    this.#nextAt = this.#pausedUntil;
    return true;
  }
}
