import type { Language } from "../../../connectors/databricks/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { archiveExtension, sourceExtension } from "../names/languages.ts";
import { type ArchiveEntry, archiveKind } from "./archive.ts";
import { type BlankLines, convertNotebook, sourceLanguage } from "./dbc.ts";

export interface ArchivedObject {
  readonly path: string;
  readonly type: string;
  readonly language?: Language;
}

export interface Found {
  readonly bytes: Buffer;
  /** Whether the bytes would be others, were empty lines of magic cells written in the other form. */
  readonly tellsBlankLines: boolean;
}

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
  find(object: ArchivedObject, blankLines: BlankLines): Found | undefined {
    const entry = this.#entry(object);
    if (!entry) return undefined;
    const { bytes } = entry;
    const isFound = (found: boolean): Found | undefined =>
      found ? { bytes, tellsBlankLines: false } : undefined;
    // A file that reads like a notebook may be the entry of a notebook beside it (`a` and `a.py`).
    if (object.type !== "NOTEBOOK") return isFound(this.kind === "source" && !isNotebook(bytes));
    if (this.kind === "source") return isFound(isNotebook(bytes));
    try {
      const { source, tellsBlankLines } = convertNotebook(bytes, blankLines);
      return { bytes: source, tellsBlankLines };
    } catch (thrown) {
      // A notebook whose archive form cannot be expressed as source is exported by itself.
      if (thrown instanceof LakeferryError && thrown.code === "not-supported") return undefined;
      throw thrown;
    }
  }

  /** Archives begin with the folder's own name, or with its children: both are public, so both are read. */
  #entry(object: ArchivedObject): ArchiveEntry | undefined {
    const name = object.path.slice(object.path.lastIndexOf("/") + 1) + this.#extension(object);
    const folder = this.#path.slice(this.#path.lastIndexOf("/") + 1);
    // A set: of a folder below the root, the last two are one name.
    const names = new Set([name, `${folder}/${name}`, `${this.#path.slice(1)}/${name}`]);
    const found = [...names].map((one) => this.#entries.get(one)).filter((one) => one !== undefined);
    return found.length === 1 && found[0] !== "twice" ? found[0] : undefined;
  }

  #extension(object: ArchivedObject): string {
    if (object.type !== "NOTEBOOK") return "";
    return this.kind === "dbc" ? archiveExtension(object.language) : sourceExtension(object.language);
  }
}

function isNotebook(bytes: Buffer): boolean {
  const [firstLine = ""] = bytes.toString("latin1", 0, 64).split("\n");
  return sourceLanguage(firstLine) !== undefined;
}
