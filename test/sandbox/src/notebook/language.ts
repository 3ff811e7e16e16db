/** A notebook's default language, as the Workspace API spells it. */
export type Language = "PYTHON" | "SQL" | "SCALA" | "R";

interface Spelling {
  comment: string;
  /** The extension of a source file. */
  extension: string;
  /** The language in a DBC archive, which is also the extension of its entry. */
  dbc: string;
}

const SPELLINGS: Record<Language, Spelling> = {
  PYTHON: { comment: "#", extension: ".py", dbc: "python" },
  SQL: { comment: "--", extension: ".sql", dbc: "sql" },
  SCALA: { comment: "//", extension: ".scala", dbc: "scala" },
  R: { comment: "#", extension: ".r", dbc: "r" },
};

/** How a language is written in source files and archives. */
export const spelling = (language: Language): Spelling => SPELLINGS[language];

export const isLanguage = (value: unknown): value is Language =>
  typeof value === "string" && Object.hasOwn(SPELLINGS, value);

/** The language of a name like `python`, `r` or `Scala`, as archives and Jupyter metadata have it. */
export function languageNamed(name: unknown): Language | undefined {
  const upper = typeof name === "string" ? name.toUpperCase() : "";
  return isLanguage(upper) ? upper : undefined;
}

/** The first line of a source notebook. */
export const headerLine = (language: Language): string =>
  `${SPELLINGS[language].comment} Databricks notebook source`;

const BY_EXTENSION: Record<string, Language> = {
  ".py": "PYTHON",
  ".sql": "SQL",
  ".scala": "SCALA",
  ".r": "R",
};

/**
 * The language of a source notebook: its extension names one and its first line is that language's header.
 * `undefined` for every other file, which the workspace keeps as a FILE.
 */
export function notebookLanguage(name: string, content: Buffer): Language | undefined {
  const dot = name.lastIndexOf(".");
  const language = dot > 0 ? BY_EXTENSION[name.slice(dot).toLowerCase()] : undefined;
  if (!language) return undefined;
  return hasHeader(content, language) ? language : undefined;
}

/** Does the content begin with the language's header line? CRLF counts as a line end. */
export function hasHeader(content: Buffer, language: Language): boolean {
  const header = headerLine(language);
  const start = content.toString("latin1", 0, header.length + 1);
  return start.startsWith(header) && (start.length === header.length || /[\r\n]$/.test(start));
}
