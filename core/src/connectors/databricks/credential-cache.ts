import type { CredentialsProvider, Grant } from "./credentials.ts";

/**
 * One set of credentials for many requests: however many ask at a time, the provider is asked once. A grant is
 * replaced before it expires, and when the service has refused it.
 */
export class CredentialCache {
  readonly provider: CredentialsProvider;
  readonly #now: () => number;
  readonly #signal: AbortSignal;
  #current: Grant | undefined;
  #refreshAt = Number.POSITIVE_INFINITY;
  #flight: Promise<Grant> | undefined;

  constructor(provider: CredentialsProvider, o: { now: () => number; signal: AbortSignal }) {
    this.provider = provider;
    this.#now = o.now;
    this.#signal = o.signal;
  }

  /** The grant at hand while it is good, without waiting. */
  get fresh(): Grant | undefined {
    return this.#now() < this.#refreshAt ? this.#current : undefined;
  }

  /**
   * A good grant. After a failure the next call asks again. The run's signal ends the wait of all.
   * @throws LakeferryError `unauthenticated` when the provider is refused, or as its transport does
   */
  async grant(): Promise<Grant> {
    return this.fresh ?? this.#obtain();
  }

  /**
   * A grant other than the one that the service refused; undefined when there can be none, as with a personal token.
   * Of many whose grant was refused at once, the first renews and the others get what it got.
   */
  async renewed(refused: Grant): Promise<Grant | undefined> {
    if (!this.provider.renewable) return undefined;
    if (this.#current === refused) {
      this.#current = undefined;
      this.#refreshAt = Number.NEGATIVE_INFINITY;
    }
    return this.grant();
  }

  #obtain(): Promise<Grant> {
    this.#flight ??= this.provider
      .obtain(this.#signal)
      .then((grant) => {
        this.#current = grant;
        this.#refreshAt = this.#goodUntil(grant);
        return grant;
      })
      .finally(() => {
        this.#flight = undefined;
      });
    return this.#flight;
  }

  /** Azure Databricks refuses tokens with less than 30 seconds left; short-lived ones are used for four fifths. */
  #goodUntil(grant: Grant): number {
    if (grant.expiresAt === undefined) return Number.POSITIVE_INFINITY;
    const left = grant.expiresAt - this.#now();
    return grant.expiresAt - Math.min(120_000, left / 5);
  }
}
