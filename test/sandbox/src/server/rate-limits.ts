import { ApiError } from "./api-error.ts";
import type { Settings } from "./settings.ts";

/** Token buckets of one workspace, one for exports and one for imports, each as deep as one second. */
export class RateLimits {
  readonly #settings: Settings;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { level: number; at: number }>();

  constructor(settings: Settings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Takes one request from its bucket. Throws 429 with `Retry-After: 1` when the bucket is empty. */
  take(endpoint: string): void {
    if (!this.#settings.rateLimits) return;
    const rate = this.#rate(endpoint);
    if (rate === undefined) return;
    const now = this.#now();
    const bucket = this.#buckets.get(endpoint) ?? { level: rate, at: now };
    bucket.level = Math.min(rate, bucket.level + ((now - bucket.at) * rate) / 1000);
    bucket.at = now;
    this.#buckets.set(endpoint, bucket);
    if (bucket.level < 1) {
      const message = `Current request has to be retried: the limit is ${rate} requests per second.`;
      throw new ApiError(429, "REQUEST_LIMIT_EXCEEDED", message, { "retry-after": "1" });
    }
    bucket.level--;
  }

  #rate(endpoint: string): number | undefined {
    if (endpoint === "GET /api/2.0/workspace/export") return this.#settings.exportPerSecond;
    if (endpoint === "POST /api/2.0/workspace/import") return this.#settings.importPerSecond;
    return undefined;
  }
}
