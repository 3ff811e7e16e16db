import { afterAll, describe, expect, test } from "vitest";
import { Secret } from "../../core/src/job/secret.ts";
import { at, cleanUp, files, holder, open, seed } from "./git-places.ts";

afterAll(cleanUp);

const real = process.env.LAKEFERRY_CONTRACT_GIT_URL;

describe.runIf(real)("the real service", () => {
  test("takes a commit on a branch of its own, and a lease", async () => {
    const secret = process.env.LAKEFERRY_GIT_TOKEN;
    const c = await open(real!, { settings: secret ? { token: new Secret(secret) } : {} });
    const branch = `lakeferry-contract-${Date.now()}`;
    const lease = await c.write.leases.acquire(branch, holder(branch), { ttlMs: 60_000, takeOver: false });
    const oid = await seed(c, branch, { "a/b": "1", "c d": "2" });
    const view = await c.read.fresh();
    expect(await files(view, oid)).toEqual({ "a/b": "1", "c d": "2" });
    const tag = await c.write.newTag({ name: branch, target: oid, message: "A check.", at });
    await c.write.push([{ name: `refs/tags/${branch}`, from: undefined, to: tag }]);
    await c.write.push([
      { name: `refs/tags/${branch}`, from: tag, to: undefined },
      { name: `refs/heads/${branch}`, from: oid, to: undefined },
    ]);
    expect(await lease.release()).toBe(true);
  });
});
