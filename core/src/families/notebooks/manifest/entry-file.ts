import type { Language } from "../../../connectors/databricks/port.ts";
import { sourceExtension } from "../names/languages.ts";
import type { BackupFormat } from "../names/repository-names.ts";

/**
 * The file that an object's bytes are kept in. It is the one its name gives, unless the bytes are not in the backup's
 * format: a notebook over the limit as JUPYTER is kept as source, in `a.ipynb.py`; one that could not be exported anew as
 * SOURCE keeps its JUPYTER bytes, in `a.py.ipynb`. Never the file of another object.
 * @param file the file that the object's name gives
 * @param format what the bytes are
 * @param wanted the backup's format
 * @param living files of all objects of the branch
 */
export function entryFile(
  { file, type, language }: { readonly file: string; readonly type: string; readonly language?: Language },
  format: string,
  wanted: BackupFormat,
  living: ReadonlySet<string>,
): string {
  if (type !== "NOTEBOOK" || format === wanted) return file;
  const ending = format === "JUPYTER" ? ".ipynb" : sourceExtension(language);
  if (!living.has(file + ending)) return file + ending;
  for (let n = 2; ; n++) if (!living.has(`${file} (${n})${ending}`)) return `${file} (${n})${ending}`;
}
