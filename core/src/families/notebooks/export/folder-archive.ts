import type { Language } from "../../../connectors/databricks/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { archiveExtension, sourceExtension } from "../names/languages.ts";
import { type ArchiveEntry, archiveKind } from "./archive.ts";
import { type BlankLines, notebookSource, sourceLanguage } from "./dbc.ts";

/** A folder export, asked for the direct children of the folder. What it does not hold, or holds twice, it does not have. */
export class FolderArchive {
  readonly kind: "dbc" | "source";
  readonly #entries = new Map<string, ArchiveEntry | "twice">();
  readonly #path: string;

  /** @param path the folder's absolute workspace path */
  constructor(path: string, entries: readonly ArchiveEntry[]) {
    this.#path = path;
    this.kind = archiveKind(entries);
    for (const entry of entries)
      this.#entries.set(entry.name, this.#entries.has(entry.name) ? "twice" : entry);
  }

  /**
   * The object's exported bytes: of a notebook its source form. Undefined: it must be exported by itself.
   * @throws LakeferryError `corrupt` when the archive is damaged there
   */
  find(
    object: { readonly path: string; readonly type: string; readonly language?: Language },
    blankLines: BlankLines,
  ): Buffer | undefined {
    const entry = this.#entry(object);
    if (!entry) return undefined;
    const { bytes } = entry;
    // A file that reads like a notebook may be the entry of a notebook beside it (`a` and `a.py`).
    if (object.type !== "NOTEBOOK") return this.kind === "source" && !isNotebook(bytes) ? bytes : undefined;
    if (this.kind === "source") return isNotebook(bytes) ? bytes : undefined;
    try {
      return notebookSource(bytes, blankLines);
    } catch (thrown) {
      // A notebook whose archive form cannot be expressed as source is exported by itself.
      if (thrown instanceof LakeferryError && thrown.code === "not-supported") return undefined;
      throw thrown;
    }
  }

  /** Whether the notebook's source depends on how empty lines of magic cells are written. */
  tellsBlankLines(object: {
    readonly path: string;
    readonly type: string;
    readonly language?: Language;
  }): boolean {
    const [spaced, bare] = [this.find(object, "spaced"), this.find(object, "bare")];
    return spaced !== undefined && bare !== undefined && !spaced.equals(bare);
  }

  /** Archives begin with the folder's own name, or with its children: both are public, so both are read. */
  #entry(object: {
    readonly path: string;
    readonly type: string;
    readonly language?: Language;
  }): ArchiveEntry | undefined {
    const name = object.path.slice(object.path.lastIndexOf("/") + 1) + this.#extension(object);
    const folder = this.#path.slice(this.#path.lastIndexOf("/") + 1);
    const found = [name, `${folder}/${name}`, `${this.#path.slice(1)}/${name}`]
      .map((one) => this.#entries.get(one))
      .filter((one) => one !== undefined);
    return found.length === 1 && found[0] !== "twice" ? found[0] : undefined;
  }

  #extension(object: { readonly type: string; readonly language?: Language }): string {
    if (object.type !== "NOTEBOOK") return "";
    return this.kind === "dbc" ? archiveExtension(object.language) : sourceExtension(object.language);
  }
}

function isNotebook(bytes: Buffer): boolean {
  const [firstLine = ""] = bytes.toString("latin1", 0, 64).split("\n");
  return sourceLanguage(firstLine) !== undefined;
}
