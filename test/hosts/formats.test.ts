import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { BareRepository } from "./repository.ts";
import { expectBackup, expectCode, type World, world } from "./world.ts";

const EXPORT = "GET /api/2.0/workspace/export";
const candidates = ["../../../shared/data/notebooks", "../../shared/data/notebooks"];
const data = candidates
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

test("JUPYTER keeps what is in it, one request a notebook, and a change of format exports again", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(["--format", "JUPYTER"]), 0);
  const lines = w.repository.manifest();
  const objects = w.objects();
  expect(lines.map(({ path }) => `/${path}`).sort()).toEqual(objects.map(({ path }) => path).sort());
  for (const line of lines.filter(({ type }) => type === "NOTEBOOK")) {
    expect(line).toMatchObject({ format: "JUPYTER", file: expect.stringMatching(/\.ipynb$/) });
    expect(JSON.parse(w.repository.file(line.file).toString()).nbformat).toBe(4);
  }
  expectCode(await w.verify(), 0);
  w.sandbox.resetStats();
  expectCode(await w.backup(["--format", "JUPYTER"]), 0);
  expect(w.sandbox.stats().requests[EXPORT]).toBeUndefined();
  expectCode(await w.backup(), 0);
  expectBackup(w, objects);
});

test("a zip of sources and a DBC give the same backup, at a request a folder and some samples", async () => {
  const w = await world({ tree: { notebooks: 120, engagements: 3 }, directoryExport: "source-zip" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  const forZip = w.sandbox.stats().requests[EXPORT]!;
  w.sandbox.set({ directoryExport: "dbc" });
  w.sandbox.resetStats();
  expectCode(await w.backup(["--branch", "dbc"]), 0);
  expect(w.repository.content("dbc")).toEqual(w.repository.content());
  for (const calls of [forZip, w.sandbox.stats().requests[EXPORT]!]) {
    expect(calls).toBeGreaterThanOrEqual(3 + 1);
    expect(calls).toBeLessThan(40);
  }
  // Files that the archive leaves out are fetched one by one.
  w.sandbox.set({ directoryExport: "source-zip", filesInSource: false });
  expectCode(await w.backup(["--branch", "no-files"]), 0);
  expect(w.repository.content("no-files")).toEqual(w.repository.content());
});

describe.skipIf(data === undefined)("the tree of shared/data/notebooks (skipped where it is missing)", () => {
  const files = async () =>
    (await readdir(data!, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(data!.length + 1)
          .replaceAll("\\", "/"),
      )
      .filter((path) => path !== "README.md" && !path.startsWith("exports/"));
  const loaded = async (): Promise<World> => {
    const w = await world();
    await w.sandbox.load(data!);
    return w;
  };
  const same = (repository: BareRepository, ref: string, path: string) =>
    repository.file(path, ref).equals(readFileSync(join(data!, path)));

  test("sources, files and Jupyter notebooks are there byte for byte", async () => {
    const w = await loaded();
    expectCode(await w.backup(), 0);
    const all = await files();
    expect(all.length).toBeGreaterThanOrEqual(15);
    for (const path of all.filter((one) => !one.endsWith(".ipynb")))
      expect(same(w.repository, "main", path), path).toBe(true);
    expectCode(await w.backup(["--format", "JUPYTER", "--branch", "jupyter"]), 0);
    for (const path of all.filter((one) => one.endsWith(".ipynb")))
      expect(same(w.repository, "jupyter", path), path).toBe(true);
    for (const path of all.filter((one) => /\.(txt|csv|yaml)$|lib\//.test(one)))
      expect(same(w.repository, "jupyter", path), path).toBe(true);
    // Into an empty workspace and out again: the same tree.
    const empty = await world({ repository: w.repository });
    for (const [branch, format] of [
      ["main", "SOURCE"],
      ["jupyter", "JUPYTER"],
    ] as const) {
      expectCode(await empty.restore(["--branch", branch]), 0);
      expectCode(await empty.backup(["--branch", `${branch}-again`, "--format", format]), 0);
      expect(w.repository.content(`${branch}-again`)).toEqual(w.repository.content(branch));
      await empty.remove("/Clients");
      await empty.remove("/Shared");
    }
  });

  test("its DBC archive, imported and exported as an archive, is exactly the sources beside it", async () => {
    const w = await loaded();
    const folder = "/Clients/2024/ENG-101/NOTEBOOKS";
    await w.remove("/Clients/2024/ENG-101");
    const answer = await fetch(`${w.sandbox.url}/api/2.0/workspace/import`, {
      method: "POST",
      headers: { authorization: `Bearer ${w.sandbox.token}` },
      body: JSON.stringify({
        path: "/Clients/2024/ENG-101",
        format: "DBC",
        content: readFileSync(join(data!, "exports/ENG-101.dbc")).toString("base64"),
      }),
    });
    expect(answer.status, await answer.text()).toBe(200);
    w.sandbox.set({ directoryExport: "dbc" });
    expectCode(await w.backup(["--path", folder]), 0);
    const sources = (await files()).filter((path) => path.startsWith(folder.slice(1)));
    expect(sources.length).toBe(6);
    for (const path of sources)
      expect(w.repository.file(path.slice(folder.length)).equals(readFileSync(join(data!, path))), path).toBe(
        true,
      );
  });
});
