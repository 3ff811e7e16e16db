import { expect, test } from "vitest";
import { expectCode, type Ran, world, writes } from "./world.ts";

const findings = (ran: Ran) =>
  ran.events
    .filter((e) => e.type === "finding")
    .map((e) => `${e.kind} ${e.item}`)
    .sort();

test("an equal workspace is verified; what changed, is missing, is extra or damaged is named", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  expectCode(await w.backup(), 0);
  const [tag] = w.repository.tags();
  const equal = await w.verify();
  expectCode(equal, 0);
  expect(equal.finished.outputs).toMatchObject({
    checked: 60,
    equal: 60,
    differing: 0,
    missing: 0,
    extra: 0,
  });
  expect(writes(w)).toEqual({});

  const { changed, deleted, added } = await w.mutate({ changed: 3, deleted: 2, added: 2 });
  const different = await w.verify();
  expectCode(different, 1);
  expect(different.finished.error).toMatchObject({
    code: "unbalanced",
    message: expect.stringMatching(/^The backup and the workspace are not the same\./),
  });
  expect(findings(different)).toEqual(
    [
      ...changed.map((path) => `differs ${path}`),
      ...deleted.map((path) => `missing ${path}`),
      ...added.map((path) => `extra ${path}`),
    ].sort(),
  );
  expect(different.finished.outputs).toMatchObject({ differing: 3, missing: 2, extra: 2 });

  expectCode(await w.backup(), 0);
  expectCode(await w.verify(), 0);
  // The old tag is still what it was.
  const atTag = await w.verify(["--ref", tag!]);
  expectCode(atTag, 1);
  expect(findings(atTag).length).toBe(7);

  const victim = w.repository.manifest()[5]!;
  w.repository.commit("main", { [victim.file]: "rotten\n" });
  const damaged = await w.verify();
  expectCode(damaged, 1);
  expect(findings(damaged)).toEqual([expect.stringContaining(`damaged`)]);
  expect(findings(damaged)[0]).toContain(victim.path);
});

test("a sample is a part, the same each time, and what is missing is found in any case", async () => {
  const w = await world({ tree: { notebooks: 200 } });
  expectCode(await w.backup(), 0);
  const one = await w.verify(["--sample", "20%"]);
  const two = await w.verify(["--sample", "0.2"]);
  expectCode(one, 0);
  expect(one.finished.outputs.checked).toBeGreaterThan(15);
  expect(one.finished.outputs.checked).toBeLessThan(75);
  expect(two.finished.outputs).toEqual(one.finished.outputs);
  const some = await w.verify(["--include", "/Clients/2023/**"]);
  expectCode(some, 0);
  expect(some.finished.outputs.checked).toBe(
    w.objects().filter(({ path }) => path.startsWith("/Clients/2023/")).length,
  );
  expectCode(await w.verify(["--sample", "120%"]), 2);
  expectCode(await w.verify(["--ref", "backup/1999-01-01"]), 1);
});

test("a manifest that was edited by hand is refused, with file and line", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(), 0);
  const bucket = [...w.repository.files().keys()].find((path) => path.startsWith(".lakeferry/manifest/"))!;
  const text = w.repository.file(bucket).toString();
  w.repository.commit("main", { [bucket]: text.replace('"size":', '"size": ') });
  const ran = await w.verify();
  expectCode(ran, 1);
  expect(ran.finished.error).toMatchObject({
    code: "corrupt",
    message: expect.stringContaining(`${bucket}, line 1`),
  });
});
