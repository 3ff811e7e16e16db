import { expect, test } from "vitest";
import { allFiles, expectCode, type Ran, type World, world, writes } from "./world.ts";

const snapshot = (w: World) => JSON.stringify([...w.repository.refs()]);
const planned = (ran: Ran) =>
  Object.fromEntries(ran.events.filter((e) => e.type === "planned").map((e) => [e.phase, e.totals.items]));

test("a dry run of each job that writes sends no write request, moves no ref and keeps no record", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  const first = await w.backup(["--dry-run"]);
  expectCode(first, 0);
  expect(planned(first)).toMatchObject({ export: 60 });
  expect(first.events.find((e) => e.type === "forecast").forecast.facts.length).toBeGreaterThan(4);
  expect([...w.repository.refs()]).toEqual([]);

  expectCode(await w.backup(), 0);
  await w.mutate({ changed: 4, deleted: 3, renamed: 2, added: 1 });
  const refs = snapshot(w);
  const kept = [...(await allFiles(w.cwd)).keys()].sort();
  w.sandbox.resetStats();
  const second = await w.backup(["--dry-run"]);
  expectCode(second, 0);
  expect(planned(second)).toMatchObject({ export: 7 });
  for (const args of [[], ["--overwrite", "always"], ["--target", "/Elsewhere"]])
    expectCode(await w.restore([...args, "--dry-run"]), 0);
  expect(writes(w)).toEqual({});
  expect(snapshot(w)).toBe(refs);
  expect([...(await allFiles(w.cwd)).keys()].sort()).toEqual(kept);
  expect(w.objects().some(({ path }) => path.startsWith("/Elsewhere"))).toBe(false);
  for (const ran of [first, second]) {
    expect(ran.finished).toMatchObject({ outcome: "succeeded" });
    expect(ran.events.some((e) => e.type === "kept")).toBe(false);
  }
});

test("a dry run says on a terminal that nothing was written", async () => {
  const w = await world({ tree: { notebooks: 20 } });
  const ran = await w.run(["notebooks", "backup", "--destination", w.repository.path, "--dry-run"]);
  expectCode(ran, 0);
  expect(ran.stdout).toContain("Planned; nothing was written");
  expect(ran.stdout).toMatch(/would export: 20 items/);
});
