import type { Language } from "../notebook/language.ts";
import type { Planned } from "./generate.ts";

/** Notebook names that are legal in a workspace and break careless clients; each with why in the group's comment. */
const NOTEBOOKS: readonly string[] = [
  // URLs, shells and SQL
  "two  spaces",
  " leading space",
  "100% done",
  "%41",
  "%2F",
  "a+b&c=d#e?f",
  "it's",
  'say "hi"',
  "semi;colon | pipe",
  "$(date)",
  "`tick`",
  "*",
  "-rf",
  // Windows and macOS
  "CON",
  "nul.txt",
  "trailing dot.",
  "trailing space ",
  "colon: <angle>",
  "back\\slash",
  "Case",
  "case",
  "CASE",
  // git
  ".git",
  ".gitignore",
  ".gitattributes",
  "~tilde^0",
  "@{0}",
  "refs..lock",
  // Unicode: NFC and NFD twins, outside the BMP, right to left, zero width, line separator
  "caf\u00e9",
  "cafe\u0301",
  "\u{1f680} launch \u{1f469}\u200d\u{1f52c}",
  "\u05e9\u05dc\u05d5\u05dd",
  "zero\u200bwidth",
  "\u65e5\u672c\u8a9e",
  "line\u2028separator",
  "tab\there",
  // names that look like something else
  "notebook.py",
  "x",
  "a",
  "data.dbc",
  "_SUCCESS",
  "etl.python",
  "{}",
  "__proto__",
  "constructor",
  // 200 bytes
  "n".repeat(200),
  `${"\u00e9".repeat(99)}x2`,
];

/** FILEs beside notebooks that take the same name once the notebook has its extension. */
const FILES: readonly [string, string][] = [
  ["a.py", "# a FILE beside the notebook a, whose export is a.py too\nVALUE = 1\n"],
  ["Case.py", "# no notebook header\n"],
  ["crlf.csv", '\ufeffa,b\r\n1,"x\ny"\r\n'],
  ["empty.txt", ""],
];

/** Sources that no archive can give back byte by byte. */
const SOURCES: readonly [string, Language, string][] = [
  [
    "bare_magic",
    "PYTHON",
    "# Databricks notebook source\n# MAGIC %md\n# MAGIC\n# MAGIC text\n\n# COMMAND ----------\n\nprint(1)\n",
  ],
  ["hidden_title", "SQL", "-- Databricks notebook source\n-- DBTITLE 0,Hidden\nSELECT 1\n"],
  ["crlf", "R", "# Databricks notebook source\r\nx <- 1\r\n\r\n# COMMAND ----------\r\n\r\ny <- 2\r\n"],
  ["no_line_end", "SCALA", "// Databricks notebook source\nval x = 1"],
  ["only_header", "PYTHON", "# Databricks notebook source\n"],
];

/** The objects of the hostile engagement, in a fixed order. Beside them the generator makes the directories `x.py` and `EMPTY`. */
export function hostileObjects(): Planned[] {
  return [
    ...NOTEBOOKS.map((name): Planned => ({ name, make: (writer, key) => writer.notebook(key) })),
    ...FILES.map(
      ([name, text]): Planned => ({ name, make: () => ({ type: "FILE", content: Buffer.from(text) }) }),
    ),
    ...SOURCES.map(
      ([name, language, text]): Planned => ({
        name,
        make: () => ({ type: "NOTEBOOK", language, content: Buffer.from(text) }),
      }),
    ),
  ];
}
