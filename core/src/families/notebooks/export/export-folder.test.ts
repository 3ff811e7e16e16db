import { expect, test } from "vitest";
import type { WorkspaceReader } from "../../../connectors/databricks/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { type Exported, type ExportObject, exportFolder } from "./export-folder.ts";
import { createExporter } from "./exporter.ts";
import { writeArchive } from "./write-archive.ts";

const HEADER = "# Databricks notebook source\n";
const notebook = (name: string): ExportObject => ({
  path: `f/${name}`,
  type: "NOTEBOOK",
  language: "PYTHON",
});

/** A workspace with one folder `/f`, whose archive and whose single exports are given. */
function folder(archive: Buffer, single: (name: string) => string) {
  const asked: string[] = [];
  const warnings: string[] = [];
  const workspace = {
    stat: async (path: string) => ({ path }),
    export: async (path: string) => {
      asked.push(path);
      return path === "/f" ? archive : Buffer.from(single(path.slice("/f/".length)));
    },
  } as unknown as WorkspaceReader;
  const exporter = createExporter({
    workspace,
    root: "/",
    format: "SOURCE",
    concurrency: 4,
    warn: (text) => warnings.push(text),
  });
  return { exporter, asked, warnings };
}

function collector() {
  const taken: [name: string, text: string][] = [];
  const each = async ({ object, bytes }: Exported<ExportObject>) => {
    taken.push([object.path, bytes.toString()]);
  };
  return { taken, each };
}

const sources = (...names: string[]) =>
  writeArchive(names.map((name) => ({ name: `f/${name}.py`, bytes: Buffer.from(`${HEADER}${name} = 1\n`) })));

test.each(["archive", "single"] as const)(
  "by %s, an error of the receiver is thrown as it is",
  async (way) => {
    const { exporter, asked, warnings } = folder(sources("a"), (name) => `${HEADER}${name} = 1\n`);
    const full = new LakeferryError("The disk is full.", { code: "unavailable" });
    const ran = exportFolder(exporter, "f", [notebook("a")], way, async () => {
      throw full;
    });
    await expect(ran).rejects.toBe(full);
    expect(warnings).toEqual([]);
    expect(asked).toEqual(way === "archive" ? ["/f", "/f/a"] : ["/f/a"]);
  },
);

test("what a damaged archive gave before is kept, and each object is handed on once", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const archive = sources(...names);
  // The last entry's content, not its name: the local headers end with the name, the data follows.
  archive[archive.lastIndexOf("f/e.py", archive.readUInt32LE(archive.length - 6) - 1) + 10]! ^= 0xff;
  const { exporter, warnings } = folder(archive, (name) => `${HEADER}${name} = 1\n`);
  const { taken, each } = collector();
  const result = await exportFolder(exporter, "f", names.map(notebook), "archive", each);
  expect(result).toEqual({ rejected: [], gone: [] });
  expect(taken.toSorted()).toEqual(names.map((name) => [`f/${name}`, `${HEADER}${name} = 1\n`]));
  expect(warnings).toEqual([expect.stringContaining('entry "f/e.py"')]);
});

test("a notebook whose form no sample could tell is not guessed from an archive", async () => {
  const bare = `${HEADER}# MAGIC %md\n# MAGIC\n# MAGIC text\n`;
  const json = {
    version: "NotebookV1",
    language: "python",
    commands: [{ position: 1, command: "%md\n\ntext" }],
  };
  const plain = { version: "NotebookV1", language: "python", commands: [{ position: 1, command: "x" }] };
  const archive = writeArchive([
    { name: "f/plain.python", bytes: Buffer.from(JSON.stringify(plain)) },
    { name: "f/telling.python", bytes: Buffer.from(JSON.stringify(json)) },
  ]);
  let busy = 2; // as one of the first samples, and as the one that would tell
  const { exporter } = folder(archive, (name) => {
    if (name === "plain") return `${HEADER}x\n`;
    if (busy-- > 0) throw new LakeferryError("The workspace is busy.", { code: "unavailable" });
    return bare;
  });
  const { taken, each } = collector();
  await exportFolder(exporter, "f", [notebook("plain"), notebook("telling")], "archive", each);
  expect(taken).toEqual([
    ["f/plain", `${HEADER}x\n`],
    ["f/telling", bare],
  ]);
});
