import { expect, test } from "vitest";
import { LakeferryError } from "../job/errors.ts";
import type { Lease, LeaseClaim, LeaseHolder } from "../job/lease.ts";
import { acquireLease } from "./acquire-lease.ts";

const holder: LeaseHolder = { run: "b", host: "here", pid: 1, group: "b", since: "2026-11-20T00:00:00Z" };
const lease: Lease = { renew: async () => {}, release: async () => true };

/** A store that is asked again and again; `ends` answers when the other's lease ends, undefined once it is free. */
function claimOf(ends: (asked: number) => number | undefined): { claim: LeaseClaim; asked: () => number } {
  let asked = 0;
  const acquire = async () => {
    const end = ends(asked++);
    if (end === undefined) return lease;
    throw new LakeferryError("held", { code: "lease-held", retryAfterMs: end - Date.now() });
  };
  return { claim: { key: "main", store: { acquire } }, asked: () => asked };
}

const options = (said: string[]) => ({
  ttlMs: 120,
  takeOver: false,
  now: Date.now,
  signal: new AbortController().signal,
  waiting: (text: string) => said.push(text),
});

test("waits for the end of a lease that nobody renews", async () => {
  const end = Date.now() + 60;
  const said: string[] = [];
  const { claim, asked } = claimOf(() => (Date.now() < end ? end : undefined));
  expect(await acquireLease(claim, holder, options(said))).toBe(lease);
  expect(asked()).toBeGreaterThan(1);
  expect(said).toHaveLength(1);
});

test("gives up as soon as the lease is renewed: its holder lives", async () => {
  const begun = Date.now();
  const { claim, asked } = claimOf((n) => begun + 60_000 + n * 10_000);
  await expect(acquireLease(claim, holder, options([]))).rejects.toMatchObject({ code: "lease-held" });
  expect(asked()).toBe(2);
});

test("does not wait for a holder that is known to be alive", async () => {
  const acquire = async () => {
    throw new LakeferryError("held", { code: "lease-held" });
  };
  const said: string[] = [];
  const claim = { key: "main", store: { acquire } };
  await expect(acquireLease(claim, holder, options(said))).rejects.toMatchObject({ code: "lease-held" });
  expect(said).toEqual([]);
});
