import { entryFile } from "../manifest/entry-file.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ManifestEntry } from "../manifest/manifest-bucket.ts";
import type { BackupFormat } from "../names/repository-names.ts";
import type { ScannedFolder, ScannedObject } from "../scan-workspace.ts";

/** An object whose bytes the backup has already: it was renamed, or its file has another name now. */
export interface Move {
  readonly object: ScannedObject;
  readonly from: ManifestEntry;
}

/** What of one folder must be written. */
export interface FolderChanges {
  readonly path: string;
  readonly exports: readonly ScannedObject[];
  readonly moves: readonly Move[];
  /** What the backup has of the objects to export: kept where an export fails. */
  readonly before: readonly Move[];
  /** Selected objects of the folder, and all that an archive of it would hold. */
  readonly objects: number;
  readonly below: number;
}

/** The difference between a scan and a manifest. */
export interface Comparison {
  readonly folders: readonly FolderChanges[];
  /** Entries whose object is gone from the workspace, or not at this path, or not selected any more. */
  readonly gone: readonly ManifestEntry[];
  readonly unchanged: number;
  /** Files that somebody else changed, deleted or put where the backup writes. */
  readonly edited: readonly string[];
}

export interface CompareOptions {
  readonly manifest: Manifest;
  /** Blob ids by file. */
  readonly tree: ReadonlyMap<string, string>;
  readonly format: BackupFormat;
  /** The format that the manifest was written with, when there is one. */
  readonly formatBefore: BackupFormat | undefined;
  /** Files of all objects of the branch. */
  readonly living: ReadonlySet<string>;
  /** Folders that could not be listed: nobody knows what of them is gone. */
  readonly unreadable: readonly string[];
  /** Whether entries of this folder are of the shard at work. */
  readonly mine: (folder: string) => boolean;
}

/** Compares by path, object id, type, language and modification time; renames are told by the object id. */
export function compare(folders: readonly ScannedFolder[], o: CompareOptions): Comparison {
  const present = new Set(folders.flatMap(({ objects }) => objects.map(({ path }) => path)));
  const gone = goneEntries(present, o);
  let owned: Set<string> | undefined;
  const isOwned = (file: string) => {
    owned ??= new Set([...o.manifest.entries()].map((entry) => entry.file));
    return owned.has(file);
  };
  const edited: string[] = [];
  const changes: FolderChanges[] = [];
  let unchanged = 0;
  for (const folder of folders) {
    const exports: ScannedObject[] = [];
    const moves: Move[] = [];
    const before: Move[] = [];
    for (const object of folder.objects) {
      const entry = o.manifest.get(object.path);
      const known = entry?.id === object.id ? entry : (o.manifest.byId(object.id) ?? entry);
      const same = known !== undefined && sameContent(known, object, o) ? known : undefined;
      const intact = known !== undefined && o.tree.get(known.file) === known.blob;
      if (same && !intact) edited.push(same.file);
      else if (!entry && o.tree.has(object.file) && !isOwned(object.file)) edited.push(object.file);
      if (!same || !intact) {
        exports.push(object);
        if (known && intact) before.push({ object, from: known });
      } else if (same === entry && same.file === entryFile(object, same.format, o.format, o.living))
        unchanged += 1;
      else moves.push({ object, from: same });
    }
    if (exports.length + moves.length > 0)
      changes.push({
        path: folder.path,
        exports,
        moves,
        before,
        objects: folder.objects.length,
        below: folder.below,
      });
  }
  return { folders: changes, gone, unchanged, edited };
}

function goneEntries(present: ReadonlySet<string>, o: CompareOptions): ManifestEntry[] {
  const gone: ManifestEntry[] = [];
  const unknown = below(o.unreadable);
  for (const { path, folder } of o.manifest.living()) {
    if (!present.has(path) && o.mine(folder) && !unknown(folder)) gone.push(o.manifest.get(path)!);
  }
  return gone;
}

function sameContent(entry: ManifestEntry, object: ScannedObject, o: CompareOptions): boolean {
  const format = object.type === "NOTEBOOK" ? o.format : "AUTO";
  // An entry in another format than the backup's is one that was over the limit in that.
  const formatted = entry.format === format || (o.formatBefore === o.format && object.type === "NOTEBOOK");
  return (
    formatted &&
    // Without a time there is nothing to tell an edit by.
    object.modified > 0 &&
    entry.deleted === undefined &&
    entry.id === object.id &&
    entry.type === object.type &&
    entry.language === object.language &&
    entry.modified === object.modified
  );
}

/** Whether a folder is one of some, or below one; asked many times for the same folders. */
export function below(folders: readonly string[]): (folder: string) => boolean {
  const known = new Map<string, boolean>();
  return (folder) => {
    if (folders.length === 0) return false;
    const answer = known.get(folder) ?? folders.some((one) => folder === one || folder.startsWith(`${one}/`));
    known.set(folder, answer);
    return answer;
  };
}
