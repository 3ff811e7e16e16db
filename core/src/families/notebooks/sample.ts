import { createHash } from "node:crypto";

/** Whether a name is in a sample of the given share (0 to 1): the same names each time, spread evenly. */
export function sampled(name: string, share: number): boolean {
  if (share >= 1) return true;
  return createHash("sha256").update(name).digest().readUInt32BE(0) / 2 ** 32 < share;
}
