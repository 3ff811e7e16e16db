import { isUtf8 } from "node:buffer";
import type { Language } from "../../../connectors/databricks/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { archiveExtension } from "../names/languages.ts";
import { notebookJson } from "./dbc-template.ts";
import { JsonSkimmer } from "./json-skimmer.ts";
import { writeArchive } from "./write-archive.ts";

/**
 * How a workspace writes an empty line of a magic cell: `# MAGIC ` or `# MAGIC`. Public notebooks have both, by
 * the age of the workspace, so the form is found out by comparing a sample with its single export.
 */
export type BlankLines = "spaced" | "bare";

export interface Command {
  readonly position: number;
  readonly command: string;
  readonly commandTitle?: string | null;
  readonly showCommandTitle?: boolean | null;
}

const COMMAND_FIELDS = [
  "position",
  "command",
  "commandTitle",
  "showCommandTitle",
] as const satisfies readonly (keyof Command)[];

const COMMENTS: Readonly<Record<Language, string>> = { PYTHON: "#", SQL: "--", SCALA: "//", R: "#" };
const TITLE = " Databricks notebook source";
const separator = (comment: string): string => `\n\n${comment} COMMAND ----------\n\n`;

/** A magic cell begins with `%` and a word; exports show that spaces and empty lines before it do not matter. */
const MAGIC_CELL = /^\s*%[A-Za-z]/;
const BLANK_LINE = /^\n|\n\n|\n$/;

/**
 * The language of a notebook in source form by its first line, or undefined when the line is not a header, and
 * the file therefore no notebook. Python and R have the same header; the file's name tells them apart.
 */
export function sourceLanguage(firstLine: string, fileName = ""): Language | undefined {
  const line = firstLine.endsWith("\r") ? firstLine.slice(0, -1) : firstLine;
  if (!line.endsWith(TITLE)) return undefined;
  const comment = line.slice(0, -TITLE.length);
  if (comment === "#") return /\.r$/i.test(fileName) ? "R" : "PYTHON";
  return comment === "--" ? "SQL" : comment === "//" ? "SCALA" : undefined;
}

/**
 * A notebook of a DBC archive in its source form: the header, then the cells by position.
 * @throws LakeferryError `corrupt` when `json` is not such a notebook; `not-supported` when its source form is
 *   not known (another language or version, a title of several lines)
 */
export function notebookSource(json: Buffer, blankLines: BlankLines = "spaced"): Buffer {
  return convertNotebook(json, blankLines).source;
}

/** As `notebookSource`, and whether the source would be another with the other form of empty lines. */
export function convertNotebook(
  json: Buffer,
  blankLines: BlankLines,
): { readonly source: Buffer; readonly tellsBlankLines: boolean } {
  const { language, commands } = parseNotebook(json);
  const comment = COMMENTS[language];
  const cells = commands
    .toSorted((a, b) => a.position - b.position)
    .map((command) => titleLine(command, comment) + cellSource(command.command, comment, blankLines));
  // A notebook without cells is its header; with one empty cell, a line more.
  const body = cells.length === 0 ? "" : `${cells.join(separator(comment))}\n`;
  const source = `${comment}${TITLE}\n${body}`;
  if (!source.isWellFormed()) throw notSupported("half of a surrogate pair in a cell");
  const tellsBlankLines = commands.some(
    ({ command }) => MAGIC_CELL.test(command) && BLANK_LINE.test(command),
  );
  return { source: Buffer.from(source, "utf8"), tellsBlankLines };
}

function titleLine({ commandTitle, showCommandTitle }: Command, comment: string): string {
  if (!commandTitle) return "";
  if (/[\r\n]/.test(commandTitle)) throw notSupported("a title of several lines");
  return `${comment} DBTITLE ${showCommandTitle ? 1 : 0},${commandTitle}\n`;
}

function cellSource(command: string, comment: string, blankLines: BlankLines): string {
  if (!MAGIC_CELL.test(command)) return command;
  const prefix = `${comment} MAGIC`;
  return command
    .split("\n")
    .map((line) => (line === "" && blankLines === "bare" ? prefix : `${prefix} ${line}`))
    .join("\n");
}

interface ArchivedNotebook {
  readonly version?: unknown;
  readonly language?: unknown;
  readonly commands?: readonly Partial<Command>[];
}

/** @throws SyntaxError when it is not JSON, or a part of it is of another shape */
function skimNotebook(json: Buffer): ArchivedNotebook {
  const skimmer = new JsonSkimmer(json);
  const notebook: { -readonly [K in keyof ArchivedNotebook]: ArchivedNotebook[K] } = {};
  skimmer.object(["version", "language", "commands"], (name) => {
    if (name !== "commands" || !skimmer.isArray()) {
      notebook[name as "version"] = skimmer.value();
      return;
    }
    const commands: Partial<Command>[] = [];
    skimmer.array(() => {
      const command: Record<string, unknown> = {};
      skimmer.object(COMMAND_FIELDS, (field) => {
        command[field] = skimmer.value();
      });
      commands.push(command);
    });
    notebook.commands = commands;
  });
  skimmer.end();
  return notebook;
}

/** Whether the bytes are a notebook of an archive, in the one version there is. */
export function isNotebookJson(bytes: Buffer): boolean {
  if (!bytes.includes('"NotebookV1"')) return false;
  try {
    return skimNotebook(bytes).version === "NotebookV1";
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function parseNotebook(json: Buffer): { language: Language; commands: readonly Command[] } {
  if (!isUtf8(json)) throw corrupt("it is not in UTF-8");
  let notebook: ArchivedNotebook;
  try {
    notebook = skimNotebook(json);
  } catch (cause) {
    throw corrupt("it is not JSON of a notebook", cause);
  }
  if (notebook.version !== "NotebookV1") throw notSupported(`version ${String(notebook.version)}`);
  const language = String(notebook.language).toUpperCase();
  if (!Object.hasOwn(COMMENTS, language)) throw notSupported(`language ${String(notebook.language)}`);
  if (!Array.isArray(notebook.commands)) throw corrupt("it has no commands");
  for (const command of notebook.commands as Partial<Command>[]) {
    const complete = typeof command.command === "string" && Number.isFinite(command.position);
    if (!complete) throw corrupt("a command has no text or no position");
  }
  return { language: language as Language, commands: notebook.commands as readonly Command[] };
}

/**
 * A DBC archive of one notebook, from its source form; undefined when the archive could not say the same: then
 * `notebookSource` of it, with one form of empty lines or the other, would not give `source` byte for byte, or
 * a cell would change its meaning.
 */
export function notebookArchive(source: Buffer, name: string, language: Language): Buffer | undefined {
  const commands = readCells(source, COMMENTS[language]);
  if (commands === undefined) return undefined;
  const json = Buffer.from(JSON.stringify(notebookJson(commands, name, language, source)), "utf8");
  const forms: readonly BlankLines[] = ["spaced", "bare"];
  if (!forms.some((form) => notebookSource(json, form).equals(source))) return undefined;
  return writeArchive([{ name: name + archiveExtension(language), bytes: json }]);
}

function readCells(source: Buffer, comment: string): Command[] | undefined {
  const header = `${comment}${TITLE}\n`;
  if (!isUtf8(source)) return undefined;
  const text = source.toString("utf8");
  if (!text.startsWith(header)) return undefined;
  if (text.length === header.length) return [];
  if (!text.endsWith("\n")) return undefined;
  const commands: Command[] = [];
  for (const cell of text.slice(header.length, -1).split(separator(comment))) {
    const command = readCell(cell, comment, commands.length + 1);
    if (command === undefined) return undefined;
    commands.push(command);
  }
  return commands;
}

function readCell(cell: string, comment: string, position: number): Command | undefined {
  const titled = cell.startsWith(`${comment} DBTITLE `);
  const title = titled ? /^\S+ DBTITLE ([01]),(.+)\n/.exec(cell) : undefined;
  if (title === null) return undefined;
  const lines = cell.slice(title?.[0].length ?? 0).split("\n");
  const prefix = `${comment} MAGIC`;
  if (`${lines[0]} `.startsWith(`${prefix} `)) {
    // Every line has its prefix, or the importer's reading of the cell is anybody's guess.
    if (!lines.every((line) => line === prefix || line.startsWith(`${prefix} `))) return undefined;
    lines.forEach((line, index) => {
      lines[index] = line.slice(prefix.length + 1);
    });
    if (!MAGIC_CELL.test(lines.join("\n"))) return undefined;
  } else if (lines.includes(`${comment} COMMAND ----------`)) {
    return undefined; // a separator without its empty lines: one cell or two?
  }
  const shown = title?.[1] === "1";
  return { position, command: lines.join("\n"), commandTitle: title?.[2] ?? "", showCommandTitle: shown };
}

function corrupt(reason: string, cause?: unknown): LakeferryError {
  return new LakeferryError(`The notebook of the archive is corrupt: ${reason}.`, { code: "corrupt", cause });
}

function notSupported(what: string): LakeferryError {
  return new LakeferryError(`The notebook of the archive has ${what}, whose source form is not known.`, {
    code: "not-supported",
    hint: "Export the notebook by itself.",
  });
}
