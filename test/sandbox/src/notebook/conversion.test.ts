import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { at, testSandbox } from "../testing.ts";
import { parseSource, renderSource } from "./cells.ts";
import { decodeArchive, encodeNotebook } from "./dbc.ts";
import { encodeJupyter, jupyterSource } from "./jupyter.ts";
import { type Language, notebookLanguage } from "./language.ts";

// Beside the project's root, as the folder of test data is handed around with it.
const DATA = fileURLToPath(new URL("../../../../../shared/data/notebooks/", import.meta.url));
const data = existsSync(DATA) ? describe : describe.skip;

data("the shared notebooks (skipped when ../shared/data is absent)", () => {
  const sources = existsSync(DATA)
    ? readdirSync(`${DATA}Clients`, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => ({ name: entry.name, bytes: readFileSync(`${entry.parentPath}/${entry.name}`) }))
        .flatMap(({ name, bytes }) => {
          const language = notebookLanguage(name, bytes);
          return language ? [{ name, bytes, language }] : [];
        })
    : [];

  test.each(sources)("$name: source → cells → source is byte exact", ({ bytes, language }) => {
    expect(renderSource(parseSource(bytes.toString(), language), language)).toBe(bytes.toString());
  });

  test.each(sources)(
    "$name: source → DBC and Jupyter → source is byte exact",
    ({ name, bytes, language }) => {
      const archived = encodeNotebook(name, 7, language, bytes);
      const commands: { position: number; command: string }[] = JSON.parse(archived.toString()).commands;
      const parsed = parseSource(bytes.toString(), language);
      expect(commands.toSorted((a, b) => a.position - b.position).map((c) => c.command)).toEqual(
        parsed.map((c) => c.command),
      );
      expect(jupyterSource(encodeJupyter(name, language, bytes)).source.equals(bytes)).toBe(true);
    },
  );

  test("the packed archive decodes to exactly its six source files", () => {
    const notebooks = decodeArchive(readFileSync(`${DATA}exports/ENG-101.dbc`));
    expect(notebooks).toHaveLength(6);
    for (const notebook of notebooks) {
      const extension = { PYTHON: "py", SQL: "sql", SCALA: "scala", R: "r" }[notebook.language];
      const file = readFileSync(`${DATA}Clients/2024/${notebook.path}.${extension}`);
      expect(notebook.source.equals(file), notebook.path).toBe(true);
    }
  });

  test("a directory's archive has the entry names and JSON fields of the packed one", async () => {
    const sandbox = await testSandbox();
    expect(await sandbox.load(DATA)).toBe(15);
    const ours = unzipSync(await sandbox.bytesOf("/Clients/2024/ENG-101", "DBC"));
    const packed = unzipSync(readFileSync(`${DATA}exports/ENG-101.dbc`));
    expect(Object.keys(ours).toSorted()).toEqual(Object.keys(packed).toSorted());
    for (const name of Object.keys(packed)) {
      const [a, b] = [ours[name]!, packed[name]!].map((bytes) => JSON.parse(Buffer.from(bytes).toString()));
      expect(Object.keys(a)).toEqual(Object.keys(b));
      expect(Object.keys(a.commands[0])).toEqual(Object.keys(b.commands[0]));
      const cells = (n: typeof a) =>
        n.commands
          .toSorted((x: { position: number }, y: { position: number }) => x.position - y.position)
          .map((c: Record<string, unknown>) => [c.command, c.commandTitle, c.showCommandTitle]);
      expect(cells(a)).toEqual(cells(b));
    }
  });

  test("loading keeps the exact bytes of Jupyter notebooks and FILEs", async () => {
    const sandbox = await testSandbox();
    await sandbox.load(DATA);
    const base = "Clients/2025/ENG-207/NOTEBOOKS";
    expect(await sandbox.bytesOf(`/${base}/model_review`, "JUPYTER")).toEqual(
      readFileSync(`${DATA}${base}/model_review.ipynb`),
    );
    expect(await sandbox.bytesOf(`/${base}/sites.csv`)).toEqual(readFileSync(`${DATA}${base}/sites.csv`));
    const status = await sandbox.get(`/api/2.0/workspace/get-status${at("/Shared/lib/cleaning.py")}`);
    expect(status.json.object_type).toBe("FILE");
    expect((await sandbox.get(`/api/2.0/workspace/list${at("/exports")}`)).status).toBe(404);
  });
});

const exact: [string, Language, string][] = [
  ["header only with an empty cell", "PYTHON", "# Databricks notebook source\n\n"],
  [
    "empty cells in a row",
    "SQL",
    "-- Databricks notebook source\n\n\n-- COMMAND ----------\n\n\n\n-- COMMAND ----------\n\nSELECT 1\n",
  ],
  [
    "blank lines around cells",
    "SCALA",
    "// Databricks notebook source\n\nval a = 1\n\n\n// COMMAND ----------\n\n\nval b = 2\n\n",
  ],
  [
    "empty magic lines",
    "R",
    "# Databricks notebook source\n# DBTITLE 1,a, b\n# MAGIC %md\n# MAGIC \n# MAGIC x\n",
  ],
];

test.each(exact)("cells give back the source: %s", (_, language, source) => {
  expect(renderSource(parseSource(source, language), language)).toBe(source);
});

test.each([
  ["bare magic lines", "# Databricks notebook source\n# MAGIC %md\n# MAGIC\n# MAGIC x\n"],
  ["a hidden title", "# Databricks notebook source\n# DBTITLE 0,hidden\nx\n"],
])("archives lose, as real ones do: %s", (_, source) => {
  expect(renderSource(parseSource(source, "PYTHON"), "PYTHON")).not.toBe(source);
});
