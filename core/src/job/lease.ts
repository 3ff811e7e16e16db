/** What a run must hold alone before it writes: one lease per target. Shards of one run share theirs. */
export interface LeaseClaim {
  /** Names the target, such as a branch. */
  readonly key: string;
  readonly store: LeaseStore;
}

/** Who holds a lease; enough to tell a reader where to look, and a program whether the holder is dead. */
export interface LeaseHolder {
  readonly run: string;
  readonly host: string;
  readonly pid: number;
  /** Shard `index/of` of a run that is shared, else absent. */
  readonly shard?: string;
  /** Shards with the same group share one lease. */
  readonly group: string;
  readonly since: string;
}

/** A lease that is held; it is renewed by the runtime, and lost when a renewal finds another holder. */
export interface Lease {
  renew(): Promise<void>;
  /**
   * Gives the lease back; the last holder does `last` before, while nobody else can take it. Resolves to whether this
   * was the last. Asked twice, it does nothing.
   */
  release(last?: () => Promise<void>): Promise<boolean>;
}

/** Where leases are kept: at the destination, because two runners share nothing else. */
export interface LeaseStore {
  /**
   * Takes the lease, atomically. A lease whose holder has not renewed it for `ttlMs` may be taken over.
   * @throws LakeferryError `lease-held`, naming the holder and until when; with `retryAfterMs`, the time until it ends,
   *   where nobody can tell from here whether the holder is alive
   */
  acquire(key: string, holder: LeaseHolder, options: { ttlMs: number; takeOver: boolean }): Promise<Lease>;
}
