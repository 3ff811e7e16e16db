import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { LakeferryError } from "../../job/errors.ts";
import type { LeaseHolder } from "../../job/lease.ts";

/** One holder as the lease's ref tells of it. */
export interface Entry extends LeaseHolder {
  readonly renewedAt: string;
  readonly ttlMs: number;
  /** Equal for two processes only when they see each other's process ids. */
  readonly machine: string;
}

export interface LeaseDocument {
  readonly key: string;
  readonly holders: readonly Entry[];
}

const text = (value: unknown): value is string => typeof value === "string";

/** Reads the message of a lease's commit. @throws LakeferryError `corrupt` when it is not one of ours */
export function parseLease(message: string, ref: string): LeaseDocument {
  try {
    const found = JSON.parse(message) as LeaseDocument;
    const sound = found.holders.every(
      (one) =>
        text(one.run) &&
        text(one.host) &&
        text(one.group) &&
        text(one.machine) &&
        Date.parse(one.renewedAt) > 0,
    );
    if (sound) return found;
  } catch {
    // Not JSON, or of another shape: told below.
  }
  throw new LakeferryError(`${ref} does not hold a lease of Lakeferry.`, {
    code: "corrupt",
    hint: "Look at what it points to; delete the ref when nothing is at work.",
  });
}

export const sameHolder = (a: LeaseHolder, b: LeaseHolder) =>
  a.run === b.run && a.shard === b.shard && a.pid === b.pid;

/** Clocks of two hosts differ: a lease is good for this much longer than it says. */
export const skewMs = (ttlMs: number) => Math.min(60_000, ttlMs / 4);

export const validUntil = (entry: Entry) => Date.parse(entry.renewedAt) + entry.ttlMs + skewMs(entry.ttlMs);

/** Whether a holder is at work still, as far as can be told from here. */
export function isAlive(entry: Entry, now: number): boolean {
  if (validUntil(entry) <= now) return false;
  return entry.machine !== thisMachine() || processExists(entry.pid);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

let machine: string | undefined;

/** This host since its last start and, in a container, this container. */
export function thisMachine(): string {
  machine ??= [
    hostname(),
    known(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    known(() => readlinkSync("/proc/self/ns/pid")),
  ].join(" ");
  return machine;
}

/** What only Linux tells; elsewhere the host's name alone decides. */
function known(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
