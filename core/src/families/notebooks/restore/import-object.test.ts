import { expect, test } from "vitest";
import { LakeferryError } from "../../../job/errors.ts";
import { importObjects } from "./import-object.ts";
import type { RestoreWrite } from "./restore-state.ts";

const item = (target: string) => ({
  target,
  blob: target,
  type: "FILE",
  format: "AUTO",
  size: 1,
  overwrite: false,
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function context(blobs: () => AsyncIterable<unknown>, write: (path: string) => Promise<void>): RestoreWrite {
  return {
    state: { failed: new Set() },
    connections: { backup: { blobs }, destination: { workspace: { import: write } } },
  } as unknown as RestoreWrite;
}

test("an import that ends the run while the next blob is read is the error, and the others are waited for", async () => {
  let late = false;
  const c = context(
    async function* () {
      yield { bytes: Buffer.from("1") };
      yield { bytes: Buffer.from("2") };
      await pause(50);
      throw new LakeferryError("git ended", { code: "unavailable" });
    },
    async (path) => {
      if (path === "/a") throw new LakeferryError("the token has ended", { code: "unauthenticated" });
      await pause(100);
      late = true;
    },
  );
  await expect(importObjects(c, [item("/a"), item("/b"), item("/c")])).rejects.toMatchObject({
    code: "unauthenticated",
  });
  expect(late).toBe(true);
});
