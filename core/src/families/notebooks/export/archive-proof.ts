import { asLakeferryError, endsRun } from "../../../job/errors.ts";
import { absolute } from "../scan-workspace.ts";
import type { BlankLines } from "./dbc.ts";
import type { Exported, Exporter, ExportObject } from "./export-folder.ts";
import type { FolderArchive } from "./folder-archive.ts";

/** Proves what an archive gives by samples that are exported one by one. */
export class ArchiveProof<O extends ExportObject> {
  readonly #exporter: Exporter;
  readonly #archive: FolderArchive;
  readonly #objects: readonly O[];
  /** How empty lines were written in what was found: another folder's sample may tell otherwise meanwhile. */
  #form: BlankLines;
  #found: Map<O, Exported<O>>;

  constructor(exporter: Exporter, archive: FolderArchive, objects: readonly O[]) {
    this.#exporter = exporter;
    this.#archive = archive;
    this.#objects = objects;
    this.#form = exporter.trust.blankLines;
    this.#found = this.#find();
  }

  /** What the archive gives, when all samples of it are equal; nothing when one is not, or when a kind could not be proven. */
  async proven(): Promise<readonly Exported<O>[]> {
    const { trust } = this.#exporter;
    const samples = this.#samples();
    for (const object of samples) if (!(await this.#sample(object))) return [];
    this.#reform();
    const unproven = samples.some((object) => !trust.isProven(object));
    return trust.broken === undefined && !unproven ? [...this.#found.values()] : [];
  }

  #find(): Map<O, Exported<O>> {
    const found = new Map<O, Exported<O>>();
    for (const object of this.#objects) {
      const bytes = this.#archive.find(object, this.#form);
      if (bytes) found.set(object, { object, bytes, format: formatOf(object), fromArchive: true });
    }
    return found;
  }

  #reform(): void {
    const { blankLines } = this.#exporter.trust;
    if (this.#archive.kind !== "dbc" || this.#form === blankLines) return;
    this.#form = blankLines;
    this.#found = this.#find();
  }

  #samples(): readonly O[] {
    const { trust } = this.#exporter;
    const samples = new Set(trust.samples([...this.#found.keys()]));
    if (this.#archive.kind === "dbc" && !trust.blankLinesKnown) {
      const telling = [...this.#found.keys()].find((object) => this.#archive.tellsBlankLines(object));
      if (telling) samples.add(telling);
    }
    return [...samples];
  }

  /** Compares one object. False: the archive is not what single exports are, and no archive is used any more. */
  async #sample(object: O): Promise<boolean> {
    const { trust, warn } = this.#exporter;
    const path = absolute(this.#exporter.root, object.path);
    const single = await this.#single(object);
    if (single === undefined) return true; // it cannot be exported by itself: that proves nothing either way
    if (this.#archive.kind === "dbc" && !trust.blankLinesKnown && this.#archive.tellsBlankLines(object))
      trust.blankLinesAre(this.#archive.find(object, "bare")?.equals(single) ? "bare" : "spaced");
    this.#reform();
    if (this.#found.get(object)?.bytes.equals(single)) {
      trust.proven(object);
      return true;
    }
    // The object may have been edited between the two requests: only a second look tells.
    const again = await this.#single(object);
    if (again && !again.equals(single)) {
      this.#found.set(object, { object, bytes: again, format: formatOf(object), fromArchive: false });
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
