import { expect, test } from "vitest";
import { expectBackup, expectCode, type World, world, writes } from "./world.ts";

const leaves = (w: World, path = "/") =>
  w.sandbox.tree(path).filter(({ object_type }) => object_type !== "DIRECTORY");
const facts = (w: World, path = "/") =>
  leaves(w, path)
    .filter(({ object_type }) => ["NOTEBOOK", "FILE", "DASHBOARD"].includes(object_type))
    .map(({ path: at, object_type, language, sha256 }) => ({ path: at, object_type, language, sha256 }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));

test("a backup restored to an empty workspace and backed up again is the same tree", async () => {
  const w = await world({ tree: { notebooks: 130, hostile: true }, directoryExport: "source-zip" });
  expectCode(await w.backup(), 0);
  const empty = await world({ repository: w.repository, directoryExport: "source-zip" });
  const ran = await empty.restore();
  expectCode(ran, 0);
  expect(ran.finished.outputs).toMatchObject({ restored: 130, kept: 0, unchanged: 0, failed: 0 });
  expect(facts(empty)).toEqual(facts(w));
  expectCode(await empty.backup(["--branch", "again"]), 0);
  expect(w.repository.content("again")).toEqual(w.repository.content());
  const tree = (branch: string) => w.repository.git("rev-parse", `${branch}:Clients`);
  expect(tree("again")).toBe(tree("main"));
  // Asked again, there is nothing to do.
  empty.sandbox.resetStats();
  const again = await empty.restore();
  expectCode(again, 0);
  expect(again.finished.outputs).toMatchObject({ restored: 0, unchanged: 130 });
  expect(Object.keys(writes(empty)).filter((name) => name.includes("import"))).toEqual([]);
});

test("never touches nothing, changed replaces what differs, always replaces all", async () => {
  const w = await world({ tree: { notebooks: 40 } });
  expectCode(await w.backup(), 0);
  const before = facts(w);
  const sql = before.find(({ language }) => language === "PYTHON")!;
  const { changed, deleted } = await w.mutate({ changed: 4, deleted: 3 });
  const language = ![...changed, ...deleted].includes(sql.path);
  if (language) await w.touch(sql.path, "-- Databricks notebook source\nSELECT 1\n", { language: "SQL" });
  const differing = changed.length + (language ? 1 : 0);

  const never = await w.restore();
  expectCode(never, 0);
  expect(never.finished.outputs).toMatchObject({
    restored: 3,
    kept: differing,
    unchanged: 40 - 3 - differing,
  });
  const kept = never.events.filter((e) => e.type === "finding" && e.kind === "kept").map((e) => e.item);
  expect(kept.sort()).toEqual([...changed, ...(language ? [sql.path] : [])].sort());

  w.sandbox.resetStats();
  const replaced = await w.restore(["--overwrite", "changed"]);
  expectCode(replaced, 0);
  expect(replaced.finished.outputs).toMatchObject({ restored: differing, unchanged: 40 - differing });
  // One of another language is tried beside before what is there makes room.
  expect(writes(w)["POST /api/2.0/workspace/import"]).toBe(differing + (language ? 1 : 0));
  expect(facts(w)).toEqual(before);

  w.sandbox.resetStats();
  const always = await w.restore(["--overwrite", "always"]);
  expectCode(always, 0);
  expect(always.finished.outputs).toMatchObject({ restored: 40 });
  expect(facts(w)).toEqual(before);
});

test("a part goes below another folder, from a tag, in its languages and formats", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  expectCode(await w.backup(), 0);
  const [tag] = w.repository.tags();
  const old = facts(w, "/Clients/2023");
  await w.mutate({ changed: 20, deleted: 10, seed: 5 });
  expectCode(await w.backup(), 0);
  const ran = await w.restore([
    "--ref",
    tag!,
    "--include",
    "/Clients/2023/**",
    "--target",
    "/Restored/2023 old",
  ]);
  expectCode(ran, 0);
  expect(facts(w, "/Restored")).toEqual(
    old.map((one) => ({ ...one, path: `/Restored/2023 old${one.path}` })),
  );
  // By a commit's whole id as well, and what is not there is said.
  const commit = w.repository.git("rev-parse", `${tag}^{commit}`);
  expectCode(
    await w.restore(["--ref", commit, "--include", "/Clients/2023/**", "--target", "/Restored/2023 old"]),
    0,
  );
  const missing = await w.restore(["--ref", "backup/none"]);
  expectCode(missing, 1);
  expect(missing.finished.error.hint).toContain(tag);
});

test("a dry run says what would change and sends no write request", async () => {
  const w = await world({ tree: { notebooks: 40 } });
  expectCode(await w.backup(), 0);
  const { changed, deleted } = await w.mutate({ changed: 3, deleted: 2 });
  w.sandbox.resetStats();
  const before = facts(w);
  const ran = await w.restore(["--overwrite", "changed", "--dry-run"]);
  expectCode(ran, 0);
  const found = ran.events.filter((e) => e.type === "finding").map((e) => `${e.kind} ${e.item}`);
  expect(found.sort()).toEqual(changed.map((path) => `replaced ${path}`).sort());
  const planned = ran.events.find((e) => e.type === "planned" && e.phase === "import");
  expect(planned.totals.items).toBe(changed.length + deleted.length);
  expect(writes(w)).toEqual({});
  expect(facts(w)).toEqual(before);
});

test("a Jupyter backup comes back byte for byte", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(["--format", "JUPYTER"]), 0);
  const empty = await world({ repository: w.repository });
  expectCode(await empty.restore(), 0);
  expectCode(await empty.backup(["--format", "JUPYTER", "--branch", "again"]), 0);
  expect(w.repository.content("again")).toEqual(w.repository.content());
});

test("a restore that was killed goes on by the same command", async () => {
  const w = await world({ tree: { notebooks: 120 } });
  expectCode(await w.backup(), 0);
  const empty = await world({ repository: w.repository });
  const running = empty.start(["notebooks", "restore", "--backup", w.repository.path, "--json"]);
  empty.sandbox.installFaults([
    { kind: "kill", pid: running.pid, endpoint: "POST /api/2.0/workspace/import", nth: 60, when: "applied" },
  ]);
  const killed = await running.done;
  expect(killed.signal).toBe("SIGKILL");
  expect(empty.sandbox.faults()[0]!.hits).toBe(1);
  const some = facts(empty).length;
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(120);
  empty.sandbox.installFaults([]);
  const ran = await empty.restore();
  expectCode(ran, 0);
  expect(ran.finished.outputs.restored + ran.finished.outputs.unchanged).toBe(120);
  expect(facts(empty)).toEqual(facts(w));
});

test("what was deleted after a cancelled restore is restored by the next one", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(), 0);
  const empty = await world({ repository: w.repository });
  empty.sandbox.installFaults([{ kind: "latency", ms: 20_000, endpoint: "GET /api/2.0/workspace/export" }]);
  const running = empty.start(["notebooks", "restore", "--backup", w.repository.path, "--json"]);
  await running.saw('"type":"phase","phase":"check"');
  running.child.kill("SIGINT");
  expectCode(await running.done, 130);
  expect(facts(empty)).toHaveLength(30);
  await empty.remove("/Clients");
  empty.sandbox.installFaults([]);
  expectCode(await empty.restore(), 0);
  expect(facts(empty)).toEqual(facts(w));
});

test("an object that cannot be imported is named and the others are restored", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(), 0);
  const victim = facts(w)[3]!.path;
  const empty = await world({ repository: w.repository });
  empty.sandbox.set({ deniedPaths: [victim] });
  const ran = await empty.restore();
  expectCode(ran, 3);
  const rejected = ran.events.flatMap((e) => (e.type === "step-finished" ? e.rejected : []));
  expect(rejected.map(({ item }) => item)).toEqual([victim]);
  expect(facts(empty).length).toBe(29);
});

test("a folder that cannot be made is partial, whatever was to go there", async () => {
  const w = await world({ tree: { notebooks: 30, engagements: 6 } });
  expectCode(await w.backup(), 0);
  const empty = await world({ repository: w.repository });
  empty.sandbox.installFaults([
    {
      kind: "status",
      status: 403,
      errorCode: "PERMISSION_DENIED",
      endpoint: "POST /api/2.0/workspace/mkdirs",
      nth: 1,
    },
  ]);
  const ran = await empty.restore();
  expect(empty.sandbox.faults()[0]!.hits).toBe(1);
  expectCode(ran, 3);
  const { failed, restored } = ran.finished.outputs;
  expect([failed > 0, restored + failed]).toEqual([true, 30]);
});

test("what is of another language is there still when the import that replaces it is refused", async () => {
  const w = await world({ tree: { notebooks: 10 } });
  expectCode(await w.backup(), 0);
  const before = facts(w);
  const { path } = before.find(({ language }) => language === "PYTHON")!;
  await w.touch(path, "-- Databricks notebook source\nSELECT 1\n", { language: "SQL" });
  const changed = facts(w);
  w.sandbox.installFaults([{ kind: "status", status: 400, endpoint: "POST /api/2.0/workspace/import" }]);
  const refused = await w.restore(["--overwrite", "changed"]);
  expectCode(refused, 3);
  expect(refused.finished.outputs).toMatchObject({ restored: 0, failed: 1 });
  expect(facts(w)).toEqual(changed);
  w.sandbox.installFaults([]);
  expectCode(await w.restore(["--overwrite", "changed"]), 0);
  expect(facts(w)).toEqual(before);
});

test("what was kept after its deletion comes back when asked for", async () => {
  const w = await world({ tree: { notebooks: 20 } });
  const keep = ["--deleted", "keep"];
  expectCode(await w.backup(keep), 0);
  const all = facts(w);
  await w.mutate({ deleted: 3 });
  expectCode(await w.backup(keep), 0);
  const without = await w.restore();
  expectCode(without, 0);
  expect(without.finished.outputs.restored).toBe(0);
  const ran = await w.restore(["--deleted"]);
  expectCode(ran, 0);
  expect(ran.finished.outputs.restored).toBe(3);
  expect(facts(w)).toEqual(all);
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
});
