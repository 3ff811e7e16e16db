import type { Language } from "../../../connectors/databricks/port.ts";

/** Extensions of notebooks in source form, as the workspace writes them. */
const SOURCE: Readonly<Record<string, string>> = { PYTHON: ".py", SQL: ".sql", SCALA: ".scala", R: ".r" };

/** The extension of a notebook's source; `.source` for a language that is not known. */
export function sourceExtension(language: string | undefined): string {
  return SOURCE[language ?? ""] ?? ".source";
}

/** The extension of a notebook's entry in a DBC archive: that of its source, but for Python. */
export function archiveExtension(language: Language | undefined): string {
  return language === "PYTHON" ? ".python" : sourceExtension(language);
}
