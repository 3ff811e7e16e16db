import { asLakeferryError, endsRun } from "../../../job/errors.ts";
import { absolute } from "../scan-workspace.ts";
import type { BlankLines } from "./dbc.ts";
import type { Exported, ExportObject } from "./export-folder.ts";
import type { Exporter } from "./exporter.ts";
import type { FolderArchive, Found } from "./folder-archive.ts";

/** Proves what an archive gives by samples that are exported one by one. */
export class ArchiveProof<O extends ExportObject> {
  readonly #exporter: Exporter;
  readonly #archive: FolderArchive;
  readonly #objects: readonly O[];
  /** Objects that were edited between the archive and their single export. */
  readonly #edited = new Map<O, Buffer>();
  /** An object is looked at several times in a row; unpacking it is dear. */
  #last:
    | { readonly object: O; readonly blankLines: BlankLines; readonly found: Found | undefined }
    | undefined;

  constructor(exporter: Exporter, archive: FolderArchive, objects: readonly O[]) {
    this.#exporter = exporter;
    this.#archive = archive;
    this.#objects = objects;
  }

  /**
   * What the archive gives, unpacked one by one, once its samples are equal; nothing when one is not, or when a kind
   * could not be proven.
   * @throws LakeferryError `corrupt` when the archive is damaged at the object that comes next
   */
  async *proven(): AsyncGenerator<Exported<O>> {
    const { trust } = this.#exporter;
    const samples = trust.samples(this.#objects, (object) => this.#find(object) !== undefined);
    for (const object of samples) if (!(await this.#sample(object))) return;
    if (samples.some((object) => !trust.isProven(object))) return;
    for (const object of this.#objects) {
      let found = this.#find(object);
      // The first object that tells how empty lines are written is a sample too: it decides for all that follow.
      if (found?.tellsBlankLines && !trust.blankLinesKnown) {
        if (!(await this.#sample(object))) return;
        if (!trust.blankLinesKnown) continue; // a guess is no proof
        found = this.#find(object);
      }
      if (trust.broken !== undefined) return; // by another folder's sample
      const edited = this.#edited.get(object);
      const bytes = edited ?? found?.bytes;
      if (bytes) yield { object, bytes, format: formatOf(object), fromArchive: edited === undefined };
    }
  }

  #find(object: O): Found | undefined {
    const { blankLines } = this.#exporter.trust;
    if (this.#last?.object !== object || this.#last.blankLines !== blankLines)
      this.#last = { object, blankLines, found: this.#archive.find(object, blankLines) };
    return this.#last.found;
  }

  /** Compares one object. False: the archive is not what single exports are, and no archive is used any more. */
  async #sample(object: O): Promise<boolean> {
    const { trust, warn } = this.#exporter;
    const path = absolute(this.#exporter.root, object.path);
    const single = await this.#single(object);
    if (single === undefined) return true; // it cannot be exported by itself: that proves nothing either way
    if (!trust.blankLinesKnown && this.#find(object)?.tellsBlankLines)
      trust.blankLinesAre(this.#archive.find(object, "bare")?.bytes.equals(single) ? "bare" : "spaced");
    if (this.#find(object)?.bytes.equals(single)) {
      trust.proven(object);
      return true;
    }
    // The object may have been edited between the two requests: only a second look tells.
    const again = await this.#single(object);
    if (again && !again.equals(single)) {
      this.#edited.set(object, again);
      return true;
    }
    trust.disproved(object.path);
    warn(
      "The folder's archive does not equal the single export; from here on every object is exported by itself.",
      path,
    );
    return false;
  }

  async #single(object: O): Promise<Buffer | undefined> {
    const { limit, workspace, root } = this.#exporter;
    try {
      return await limit(() => workspace.export(absolute(root, object.path), formatOf(object)));
    } catch (thrown) {
      if (endsRun(asLakeferryError(thrown))) throw thrown;
      return undefined;
    }
  }
}

function formatOf({ type }: ExportObject): "SOURCE" | "AUTO" {
  return type === "NOTEBOOK" ? "SOURCE" : "AUTO";
}
