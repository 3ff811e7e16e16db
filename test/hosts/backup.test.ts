import { expect, test } from "vitest";
import { expectBackup, expectCode, type Json, records, world, writes } from "./world.ts";

const EXPORT = "GET /api/2.0/workspace/export";

test("a first backup holds every object of a workspace with hostile names, byte for byte", async () => {
  const w = await world({ tree: { notebooks: 150, hostile: true }, directoryExport: "source-zip" });
  const ran = await w.backup();
  expectCode(ran, 0);
  const lines = expectBackup(w, w.objects());
  expect(lines.length).toBe(150);
  expect(ran.finished.outputs).toMatchObject({
    commit: w.repository.head(),
    objects: 150,
    exported: 150,
    failed: 0,
  });
  expect(w.repository.branches()).toEqual(["main"]);
  expect(w.repository.tags()).toEqual([expect.stringMatching(/^backup\/\d{4}-\d\d-\d\d$/)]);
  const warned = ran.events.filter((e) => e.type === "warning").map((e) => `${e.item} ${e.text}`);
  expect(warned.filter((text) => text.includes("cannot export")).sort()).toEqual([
    expect.stringContaining("/Clients/churn_experiment is a mlflow experiment"),
    expect.stringContaining("/Clients/forecast-1.4-py3-none-any.whl is a library"),
  ]);
  const [record] = await records(w.cwd);
  expect(record).toMatchObject({ job: "notebooks-backup", summary: { outcome: "succeeded" } });
  expect(writes(w)).toEqual({});
  // Names that a checkout on another system would not bear are written another way, and no two differ in case only.
  const files = lines.map(({ file }) => file.normalize("NFC").toLowerCase());
  expect(new Set(files).size).toBe(files.length);
  expect(w.repository.git("fsck", "--strict", "--no-dangling")).toBe("");
});

test("DBC archives give the same backup, but for forms of a source that an archive does not carry", async () => {
  const w = await world({ tree: { notebooks: 150, hostile: true }, directoryExport: "dbc" });
  expectCode(await w.backup(), 0);
  const lost = ["bare_magic", "hidden_title", "crlf", "no_line_end", "only_header"];
  expectBackup(w, w.objects(), { otherwise: (path) => lost.includes(path.split("/").at(-1)!) });
  // One by one, every byte: the same objects again on another branch.
  w.sandbox.resetStats();
  expectCode(await w.backup(["--no-archives", "--branch", "singles"]), 0);
  expect(w.sandbox.stats().requests[EXPORT]).toBe(150);
  expectBackup(w, w.objects(), { refs: ["singles"] });
});

test("an incremental backup writes what changed, and an unchanged one no commit but a tag", async () => {
  const w = await world({ tree: { notebooks: 120 } });
  expectCode(await w.backup(), 0);
  const first = w.repository.head();
  const before = w.repository.manifest();
  const sql = before.find((line) => line.language === "PYTHON" && /NOTEBOOKS\/0\d_/.test(line.path))!;
  const done = await w.mutate({ changed: 6, deleted: 4, renamed: 3, added: 5, seed: 7 });
  const untouched = ![...done.changed, ...done.deleted, ...done.renamed.flat()].includes(`/${sql.path}`);
  if (untouched)
    await w.touch(`/${sql.path}`, "-- Databricks notebook source\nSELECT 1\n", { language: "SQL" });
  w.sandbox.resetStats();
  const ran = await w.backup();
  expectCode(ran, 0);
  const after = expectBackup(w, w.objects());
  const exports = w.sandbox.stats().requests[EXPORT]!;
  expect(exports).toBeLessThanOrEqual(12 + 12);
  expect(ran.finished.outputs).toMatchObject({ exported: untouched ? 12 : 11 });
  for (const [from, to] of done.renamed) {
    const old = before.find((line) => `/${line.path}` === from)!;
    const now = after.find((line) => `/${line.path}` === to)!;
    expect([now.id, now.blob]).toEqual([old.id, old.blob]);
  }
  if (untouched) {
    expect(w.repository.files().has(sql.file)).toBe(false);
    expect(after.find(({ path }) => path === sql.path)).toMatchObject({
      language: "SQL",
      file: sql.file.replace(/\.py$/, ".sql"),
    });
  }
  expect(w.repository.commits(`${first}..main`).length).toBeGreaterThan(0);
  expect(w.repository.git("merge-base", "--is-ancestor", first, "main")).toBe("");

  const second = w.repository.head();
  w.sandbox.resetStats();
  const unchanged = await w.backup();
  expectCode(unchanged, 0);
  expect(w.repository.head()).toBe(second);
  expect(w.sandbox.stats().requests[EXPORT]).toBeUndefined();
  const [one, two, three] = w.repository.tags().sort();
  expect([`${one}.2`, `${one}.3`]).toEqual([two, three]);
  expect(w.repository.git("rev-parse", `${three}^{commit}`)).toBe(second);
  expect(w.repository.git("rev-parse", `${one}^{commit}`)).toBe(first);
  expect(w.repository.message(three!)).toContain("120 objects".replace("120", String(w.objects().length)));
  expect(w.repository.branches()).toEqual(["main"]);
});

test("deleted: keep leaves the file and marks the line; mirror removes both", async () => {
  const w = await world({ tree: { notebooks: 40 } });
  expectCode(await w.backup(["--deleted", "keep"]), 0);
  const { deleted } = await w.mutate({ deleted: 3 });
  expectCode(await w.backup(["--deleted", "keep"]), 0);
  const lines = w.repository.manifest();
  const marked = lines.filter((line) => line.deleted !== undefined);
  expect(marked.map(({ path }) => `/${path}`).sort()).toEqual([...deleted].sort());
  const files = w.repository.files();
  for (const line of marked) expect(files.get(line.file)).toBe(line.blob);
  // What is deleted is made again under the same name, and by another kind of object.
  await w.touch(deleted[0]!, "# Databricks notebook source\nprint('again')\n", { language: "PYTHON" });
  expectCode(await w.backup(["--deleted", "keep"]), 0);
  expect(w.repository.manifest().filter((line) => line.deleted !== undefined).length).toBe(2);
  expectCode(await w.backup(), 0);
  expect(w.repository.manifest().filter((line) => line.deleted === undefined).length).toBe(38);
});

test("include and exclude choose, the rest is counted", async () => {
  const w = await world({ tree: { notebooks: 90 } });
  const given = ["--include", "/Clients/2023/**,/Clients/2025/**", "--exclude", "**/*forecast*"];
  const ran = await w.backup(given);
  expectCode(ran, 0);
  const wanted = w
    .objects()
    .filter(({ path }) => /^\/Clients\/(2023|2025)\//.test(path) && !/forecast[^/]*$/.test(path));
  expect(wanted.length).toBeGreaterThan(10);
  expectBackup(w, wanted);
  // What is not chosen any more leaves the backup.
  expectCode(await w.backup(["--include", "/Clients/2023/**"]), 0);
  expectBackup(
    w,
    w.objects().filter(({ path }) => path.startsWith("/Clients/2023/")),
  );
});

test("a folder of the workspace is backed up relative to itself", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  expectCode(await w.backup(["--path", "/Clients/2024/"]), 0);
  expectBackup(
    w,
    w.objects().filter(({ path }) => path.startsWith("/Clients/2024/")),
    { root: "/Clients/2024" },
  );
});

test("a notebook and a file that want the same name are both kept, whichever comes first", async () => {
  const w = await world();
  const source = "# Databricks notebook source\nprint('notebook')\n";
  await w.touch("/Clients/2024/ENG-101/NOTEBOOKS/etl", source, { language: "PYTHON" });
  await w.touch("/Clients/2024/ENG-102/NOTEBOOKS/etl.py", "print('file')\n", { type: "FILE" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  await w.touch("/Clients/2024/ENG-101/NOTEBOOKS/etl.py", "print('file')\n", { type: "FILE" });
  await w.touch("/Clients/2024/ENG-102/NOTEBOOKS/etl", source, { language: "PYTHON" });
  expectCode(await w.backup(), 0);
  expect(expectBackup(w, w.objects()).length).toBe(4);
  expectCode(await w.verify(), 0);
  await w.remove("/Clients/2024/ENG-101/NOTEBOOKS/etl");
  await w.remove("/Clients/2024/ENG-102/NOTEBOOKS/etl.py");
  expectCode(await w.backup(), 0);
  expect(expectBackup(w, w.objects()).length).toBe(2);
});

test("swapped names, a folder in the place of a notebook, and a new object under an old name", async () => {
  const w = await world();
  const notebook = (text: string) => `# Databricks notebook source\nprint('${text}')\n`;
  for (const name of ["one", "two", "three"])
    await w.touch(`/W/${name}`, notebook(name), { language: "PYTHON" });
  await w.touch("/W/data.txt", "a file", { type: "FILE" });
  expectCode(await w.backup(), 0);
  await w.rename("/W/one", "/W/swap");
  await w.rename("/W/two", "/W/one");
  await w.rename("/W/swap", "/W/two");
  await w.remove("/W/data.txt");
  await w.touch("/W/data.txt/inner.txt", "below", { type: "FILE" });
  await w.remove("/W/three");
  await w.touch("/W/three", "-- Databricks notebook source\nSELECT 3\n", { language: "SQL" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  // And back: the folder is a file again.
  await w.remove("/W/data.txt");
  await w.touch("/W/data.txt", "a file again", { type: "FILE" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
});

test("commits are of the given size and say years, engagements and counts", async () => {
  const w = await world({ tree: { notebooks: 60, engagements: 6 } });
  expectCode(await w.backup(["--commit-size", "10", "--tag", "nightly/{date}/{run}"]), 0);
  expectBackup(w, w.objects());
  const subjects: string[] = [];
  for (const commit of w.repository.commits().reverse()) {
    const changed = w.repository
      .run(["diff-tree", "--root", "-r", "-z", "--name-only", "--no-commit-id", commit])
      .toString()
      .split("\0")
      .filter((path) => path !== "" && !path.startsWith(".lakeferry/"));
    expect(changed.length).toBeLessThanOrEqual(10);
    subjects.push(w.repository.message(commit).split("\n")[0]!);
  }
  expect(subjects.length).toBeGreaterThanOrEqual(6);
  expect(subjects[0]).toMatch(/^20\d\d: ENG-00\d.*\(10 files\)$/);
  const all = subjects.join("\n");
  for (const word of ["2023", "2024", "2025", "ENG-001", "ENG-006"]) expect(all).toContain(word);
  const [tag] = w.repository.tags();
  expect(tag).toMatch(/^nightly\/\d{4}-\d\d-\d\d\/\d{8}T\d{6}Z-[0-9a-f]{4}$/);
});

test("an empty workspace is a backup of nothing, grows from there, and does not empty a backup", async () => {
  const w = await world();
  const ran = await w.backup();
  expectCode(ran, 0);
  expect(ran.finished.outputs).toMatchObject({ objects: 0, exported: 0 });
  expectBackup(w, []);
  expectCode(await w.verify(), 0);
  await w.touch("/first.txt", "1", { type: "FILE" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  const backedUp = w.objects();
  await w.remove("/first.txt");
  const refused = await w.backup();
  expectCode(refused, 2);
  expect(refused.finished.error).toMatchObject({ code: "invalid-input" });
  expectBackup(w, backedUp);
});

test("JSON lines are whole, of known types, and in order", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  const ran = await w.backup();
  expectCode(ran, 0);
  const lines = ran.stdout.split("\n").filter((line) => line !== "");
  const events: Json[] = lines.map((line) => JSON.parse(line));
  const known = new Set([
    ...[
      "started",
      "phase",
      "progress",
      "planned",
      "forecast",
      "step-started",
      "step-finished",
      "step-failed",
    ],
    ...["sealing", "sealed", "journaled", "request-retried", "throttled", "metric", "warning", "finding"],
    ...["reconciling", "reconciled", "finished", "kept"],
  ]);
  for (const event of events) expect(known).toContain(event.type);
  expect(events[0].type).toBe("started");
  expect(events.slice(-2).map(({ type }) => type)).toEqual(["finished", "kept"]);
  expect(ran.stderr).toBe("");
  const sealed = events.filter((e) => e.type === "sealed" && e.phase === "export");
  expect(sealed.reduce((sum, e) => sum + e.items, 0)).toBe(60);
});
