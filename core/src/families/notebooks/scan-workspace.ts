import type { Language, WorkspaceObject, WorkspaceReader } from "../../connectors/databricks/port.ts";
import { asLakeferryError, LakeferryError } from "../../job/errors.ts";
import { type BackupFormat, repositoryNames } from "./names/repository-names.ts";

/** An object that can be exported, with the path of its file in the repository. Paths are relative to the root, without a leading slash. */
export interface ScannedObject {
  readonly path: string;
  readonly file: string;
  readonly id: string;
  readonly type: "NOTEBOOK" | "FILE" | "DASHBOARD";
  readonly language?: Language;
  readonly modified: number;
  /** Bytes; of files, where the workspace says. */
  readonly size?: number;
}

/** A folder that holds objects. */
export interface ScannedFolder {
  readonly path: string;
  readonly objects: readonly ScannedObject[];
  /** Objects below it at any depth, its own included: what an archive of it would hold. */
  below: number;
}

/** What the workspace listed. */
export interface Scan {
  /** Folders that hold selected objects, in the order of their paths. */
  readonly folders: readonly ScannedFolder[];
  /** Selected objects, counted from the listing. */
  readonly selected: number;
  /** Objects that the globs leave out. */
  readonly excluded: number;
  /** Objects that the API cannot export, by name: experiments, libraries, Git folders. */
  readonly unsupported: readonly { readonly path: string; readonly type: string }[];
  /** Folders that could not be listed; what is below them is unknown, not gone. */
  readonly unreadable: readonly { readonly path: string; readonly error: LakeferryError }[];
}

export interface ScanOptions {
  /** The workspace folder, such as `/Clients` or `/`. */
  readonly root: string;
  readonly format: BackupFormat;
  /** By absolute workspace path. */
  readonly selected: (path: string) => boolean;
  /** False: nothing below the folder can be selected, so it need not be listed. */
  readonly mayContain: (folder: string) => boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Told now and then how far the scan is. */
  progress(folders: number, objects: number): void;
}

const EXPORTABLE: ReadonlySet<string> = new Set(["NOTEBOOK", "FILE", "DASHBOARD"]);

/** The absolute workspace path of a path relative to `root`. */
export function absolute(root: string, path: string): string {
  if (path === "") return root;
  return root === "/" ? `/${path}` : `${root}/${path}`;
}

/**
 * Lists a workspace folder by folder, many at a time. Git names are given per folder, from all its children, so that
 * globs and order change nothing in them.
 * @throws LakeferryError `not-found` when the root does not exist
 */
export async function scanWorkspace(workspace: WorkspaceReader, options: ScanOptions): Promise<Scan> {
  const scan = new Scanner(workspace, options);
  return scan.whole();
}

/** A folder to list: its path in the workspace (relative) and in the repository. */
interface Pending {
  readonly path: string;
  readonly file: string;
}

class Scanner {
  readonly #workspace: WorkspaceReader;
  readonly #o: ScanOptions;
  readonly #folders = new Map<string, { path: string; objects: ScannedObject[]; below: number }>();
  readonly #unsupported: { path: string; type: string }[] = [];
  readonly #unreadable: { path: string; error: LakeferryError }[] = [];
  readonly #queue: Pending[] = [{ path: "", file: "" }];
  #listed = 0;
  #selected = 0;
  #excluded = 0;

  constructor(workspace: WorkspaceReader, options: ScanOptions) {
    this.#workspace = workspace;
    this.#o = options;
  }

  async whole(): Promise<Scan> {
    await this.#drain();
    this.#countBelow();
    const folders = [...this.#folders.values()]
      .filter((f) => f.objects.length > 0)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    return {
      folders,
      selected: this.#selected,
      excluded: this.#excluded,
      unsupported: this.#unsupported,
      unreadable: this.#unreadable,
    };
  }

  /** Lists until the queue is empty; the first error that ends a scan ends it for all. */
  #drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      let running = 0;
      let failed = false;
      const next = () => {
        while (!failed && running < this.#o.concurrency && this.#queue.length > 0) {
          running += 1;
          this.#list(this.#queue.pop()!).then(
            () => {
              running -= 1;
              if (running === 0 && this.#queue.length === 0) resolve();
              else next();
            },
            (error) => {
              failed = true;
              reject(error);
            },
          );
        }
      };
      next();
    });
  }

  async #list(folder: Pending): Promise<void> {
    this.#o.signal.throwIfAborted();
    const path = absolute(this.#o.root, folder.path);
    try {
      this.#take(folder, await this.#workspace.list(path));
    } catch (thrown) {
      const error = asLakeferryError(thrown);
      const missing = error.code === "not-found" && folder.path !== "";
      // A folder that vanished since its parent was listed is gone. One that is there still, or is forbidden, is named, and its backup kept.
      if (missing && (await this.#workspace.stat(path)) === undefined) return;
      if (!missing && (error.code !== "forbidden" || folder.path === "")) throw error;
      this.#unreadable.push({ path: folder.path, error });
    }
    this.#listed += 1;
    if (this.#listed % 50 === 0) this.#o.progress(this.#listed, this.#selected);
  }

  #take(folder: Pending, listed: readonly WorkspaceObject[]): void {
    if (
      folder.path === "" &&
      listed.length === 1 &&
      listed[0]!.path === this.#o.root &&
      listed[0]!.type !== "DIRECTORY"
    ) {
      throw new LakeferryError(`${this.#o.root} is a ${listed[0]!.type.toLowerCase()}, not a folder.`, {
        code: "invalid-input",
        hint: "Name the folder that holds it, and choose it with --include.",
      });
    }
    const children = listed.map((object) => ({
      object,
      name: object.path.slice(object.path.lastIndexOf("/") + 1),
    }));
    const names = repositoryNames(
      children.map(({ object, name }) => ({
        name,
        type: object.type,
        ...(object.language ? { language: object.language as Language } : {}),
      })),
      this.#o.format,
      { root: folder.file === "" },
    );
    const objects: ScannedObject[] = [];
    children.forEach(({ object, name }, index) => {
      const path = folder.path === "" ? name : `${folder.path}/${name}`;
      const file = folder.file === "" ? names.get(index)! : `${folder.file}/${names.get(index)!}`;
      if (object.type === "DIRECTORY") {
        if (this.#o.mayContain(object.path)) this.#queue.push({ path, file });
      } else if (!this.#o.selected(object.path)) this.#excluded += 1;
      else if (!EXPORTABLE.has(object.type)) this.#unsupported.push({ path: object.path, type: object.type });
      else
        objects.push({
          path,
          file,
          id: object.objectId,
          type: object.type as ScannedObject["type"],
          modified: object.modifiedAt ?? 0,
          ...(object.language ? { language: object.language as Language } : {}),
          ...(object.size === undefined ? {} : { size: object.size }),
        });
    });
    this.#selected += objects.length;
    this.#folders.set(folder.path, { path: folder.path, objects, below: listed.length });
  }

  #countBelow(): void {
    const deepestFirst = [...this.#folders.values()].sort((a, b) => b.path.length - a.path.length);
    for (const folder of deepestFirst) {
      const parent =
        folder.path === ""
          ? undefined
          : this.#folders.get(
              folder.path.includes("/") ? folder.path.slice(0, folder.path.lastIndexOf("/")) : "",
            );
      if (parent) parent.below += folder.below;
    }
  }
}
