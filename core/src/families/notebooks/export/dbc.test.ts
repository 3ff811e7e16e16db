import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Language } from "../../../connectors/databricks/port.ts";
import { seeded } from "../seeded.test-support.ts";
import { readArchive } from "./archive.ts";
import { notebookArchive, notebookSource, sourceLanguage } from "./dbc.ts";

const DATA = new URL("../../../../../../shared/data/notebooks/", import.meta.url);
const LANGUAGES: readonly Language[] = ["PYTHON", "SQL", "SCALA", "R"];

const notebook = (commands: object[], language = "python"): Buffer =>
  Buffer.from(JSON.stringify({ version: "NotebookV1", language, commands }));
const header = (language: Language): string =>
  `${{ PYTHON: "#", SQL: "--", SCALA: "//", R: "#" }[language]} Databricks notebook source\n`;

describe("sourceLanguage", () => {
  test("tells the language by the header, R from Python by the file's name", () => {
    expect(sourceLanguage("# Databricks notebook source")).toBe("PYTHON");
    expect(sourceLanguage("# Databricks notebook source\r", "a.R")).toBe("R");
    expect(sourceLanguage("-- Databricks notebook source")).toBe("SQL");
    expect(sourceLanguage("// Databricks notebook source")).toBe("SCALA");
    expect(sourceLanguage("#  Databricks notebook source")).toBeUndefined();
    expect(sourceLanguage("import os")).toBeUndefined();
  });
});

describe("notebookSource", () => {
  test("orders by position, marks magic cells and titles, keeps empty cells", () => {
    const source = notebookSource(
      notebook([
        { position: 10, command: "" },
        { position: 9.5, command: "x = 1\n", commandTitle: "Shown", showCommandTitle: true },
        { position: 9, command: "%md\n\ntext", commandTitle: "Hidden", showCommandTitle: false },
        { position: 1, command: "\n %sql SELECT 1" },
        { position: 2, command: "%%time" },
      ]),
    ).toString();
    expect(source).toBe(
      "# Databricks notebook source\n# MAGIC \n# MAGIC  %sql SELECT 1\n\n# COMMAND ----------\n\n%%time" +
        "\n\n# COMMAND ----------\n\n# DBTITLE 0,Hidden\n# MAGIC %md\n# MAGIC \n# MAGIC text" +
        "\n\n# COMMAND ----------\n\n# DBTITLE 1,Shown\nx = 1\n" +
        "\n\n# COMMAND ----------\n\n\n",
    );
  });

  test("writes empty lines of magic cells bare where asked", () => {
    const source = notebookSource(notebook([{ position: 1, command: "%md\n\n \nx" }]), "bare").toString();
    expect(source).toBe("# Databricks notebook source\n# MAGIC %md\n# MAGIC\n# MAGIC  \n# MAGIC x\n");
  });

  test("refuses what is no notebook, or one it does not know", () => {
    const code = (json: Buffer): unknown => {
      try {
        return notebookSource(json);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    for (const text of ["", "null", "[]x", '{"version":"NotebookV1","language":"python"}', "\xff"]) {
      expect(code(Buffer.from(text, "latin1"))).toBe("corrupt");
    }
    expect(code(notebook([{ position: "1", command: "" }]))).toBe("corrupt");
    expect(code(notebook([{ position: 1 }]))).toBe("corrupt");
    expect(code(notebook([], "go"))).toBe("not-supported");
    expect(code(notebook([], "constructor"))).toBe("not-supported");
    expect(code(notebook([{ position: 1, command: "\ud800" }]))).toBe("not-supported");
    expect(code(notebook([{ position: 1, command: "", commandTitle: "a\nb" }]))).toBe("not-supported");
    expect(code(Buffer.from('{"version":"NotebookV2"}'))).toBe("not-supported");
  });

  const archive = new URL("exports/ENG-101.dbc", DATA);
  test.skipIf(!existsSync(archive))("gives ENG-101's six sources (skipped without ../shared/data)", () => {
    const folder = new URL("Clients/2024/ENG-101/NOTEBOOKS/", DATA);
    const entries = readArchive(readFileSync(archive));
    expect(entries).toHaveLength(6);
    for (const { name, bytes } of entries) {
      const file = name.slice("ENG-101/NOTEBOOKS/".length).replace(/\.python$/, ".py");
      expect(notebookSource(bytes).equals(readFileSync(new URL(encodeURIComponent(file), folder)))).toBe(
        true,
      );
    }
  });
});

describe("notebookArchive", () => {
  const back = (source: string, language: Language, form: "spaced" | "bare" = "spaced") => {
    const archive = notebookArchive(Buffer.from(source), "n", language);
    return archive && notebookSource(readArchive(archive)[0]!.bytes, form).toString();
  };

  test("goes there and back for any cells", () => {
    const chance = seeded(3);
    let expressed = 0;
    for (let round = 0; round < 600; round++) {
      const language = chance.pick(LANGUAGES);
      const form = chance.pick(["spaced", "bare"] as const);
      const commands = Array.from({ length: chance.below(6) }, (_, index) => ({
        position: index,
        command: chance.pick(["", "%md\n", "%sql "]) + chance.text(["x", "\n", "é 🦆", " ", "\r", "\t#"], 8),
        commandTitle: chance.pick(["", "", "A title"]),
        showCommandTitle: chance.below(2) === 0,
      }));
      const source = notebookSource(notebook(commands, language.toLowerCase()), form).toString();
      const again = back(source, language, form);
      if (again !== undefined) expressed++;
      expect(again).toBe(source);
    }
    expect(expressed).toBe(600);
  });

  test("never says something else, whatever the source", () => {
    const chance = seeded(4);
    const parts = [
      "\n",
      "\n\n",
      "# MAGIC ",
      "# MAGIC",
      "# COMMAND ----------",
      "# DBTITLE 1,",
      "%md",
      "x",
      " ",
    ];
    let expressed = 0;
    for (let round = 0; round < 3000; round++) {
      const source = header("PYTHON") + chance.text(parts, 14);
      const forms = [back(source, "PYTHON"), back(source, "PYTHON", "bare")];
      if (forms[0] === undefined) continue;
      expect(forms).toContain(source);
      expressed++;
    }
    expect(expressed).toBeGreaterThan(100);
  });

  test.each([
    ["a cell that is magic without its prefix", "%md text\n"],
    ["a magic cell with a bare line", "# MAGIC %md\n# MAGIC\n# MAGIC \n"],
    ["a magic cell that goes on as code", "# MAGIC %md\nx = 1\n"],
    ["magic that is none", "# MAGIC text\n"],
    ["a title without a cell", "# DBTITLE 1,Title\n"],
    ["a separator without empty lines", "x\n# COMMAND ----------\ny\n"],
    ["no line end at the end", "x"],
  ])("gives nothing for %s", (_, cells) => {
    expect(back(header("PYTHON") + cells, "PYTHON")).toBeUndefined();
  });

  test("gives nothing for another language's header or bytes that are not UTF-8", () => {
    expect(back(header("SQL"), "PYTHON")).toBeUndefined();
    expect(back("x = 1\n", "PYTHON")).toBeUndefined();
    const bytes = Buffer.concat([Buffer.from(header("PYTHON")), Buffer.from([0xff, 0x0a])]);
    expect(notebookArchive(bytes, "n", "PYTHON")).toBeUndefined();
  });

  test("names the entry after the notebook, and is the same each time", () => {
    const make = () => notebookArchive(Buffer.from(header("R")), "Q4 — final", "R")!;
    expect(readArchive(make())[0]!.name).toBe("Q4 — final.r");
    expect(make().equals(make())).toBe(true);
  });

  test.skipIf(!existsSync(DATA))(
    "expresses every source of the sample (skipped without ../shared/data)",
    () => {
      let count = 0;
      for (const path of readdirSync(DATA, { recursive: true, encoding: "utf8" })) {
        if (!/\.(?:py|sql|scala|r)$/.test(path)) continue;
        const source = readFileSync(
          new URL(path.split("/").map(encodeURIComponent).join("/"), DATA),
        ).toString();
        const language = sourceLanguage(source.split("\n")[0]!, path);
        if (language === undefined) continue;
        expect(back(source, language)).toBe(source);
        count++;
      }
      expect(count).toBe(9);
    },
  );
});
