import { createHash } from "node:crypto";
import { errorFacts } from "../../../job/events.ts";
import type { Staged, Step } from "../../../job/phase.ts";
import { type Exported, exportFolder } from "../export/export-folder.ts";
import { entryFile } from "../manifest/entry-file.ts";
import type { ManifestEntry } from "../manifest/manifest-bucket.ts";
import { absolute, type ScannedObject } from "../scan-workspace.ts";
import type { BackupState, BackupWrite } from "./backup-state.ts";
import type { FolderChanges } from "./compare.ts";
import type { StagedChanges } from "./write-group.ts";

/** A step of the export: objects of one folder, as plain JSON. */
export type ExportData = {
  readonly branch: string;
  readonly folder: string;
  readonly way: "archive" | "single";
  readonly objects: readonly ScannedJson[];
  readonly moves: readonly { readonly object: ScannedJson; readonly from: ManifestJson }[];
  readonly before: readonly { readonly object: ScannedJson; readonly from: ManifestJson }[];
};
type ScannedJson = { readonly [K in keyof ScannedObject]: ScannedObject[K] };
type ManifestJson = { readonly [K in keyof ManifestEntry]: ManifestEntry[K] };

/** Average bytes of a notebook whose size nobody knows yet. */
const GUESSED_BYTES = 6_000;
/** From this many objects on, a folder's archive is cheaper than single exports; below, only when it is the whole folder. */
const WORTH_AN_ARCHIVE = 3;

/** How to export what changed in a folder: the archive when it saves requests and does not bring much that nobody asked for. */
export function cheapestWay(
  changes: FolderChanges,
  o: { readonly archives: boolean; readonly format: string },
): "archive" | "single" {
  const wanted = changes.exports.length;
  if (!o.archives || o.format !== "SOURCE" || wanted < 2) return "single";
  if (changes.below > 4 * Math.max(wanted, changes.objects)) return "single";
  return wanted >= WORTH_AN_ARCHIVE || wanted === changes.below ? "archive" : "single";
}

/** The step that writes one folder's changes. */
export function exportStep(
  state: BackupState,
  branch: string,
  changes: FolderChanges,
  way: "archive" | "single",
): Step<ExportData> {
  const { exports, moves, before, path } = changes;
  const hash = createHash("sha256");
  for (const object of [...exports, ...moves.map((move) => move.object)])
    hash.update(`${object.path}\0${object.id}\0${object.modified}\n`);
  const manifest = state.parts.get(branch)!.partition.manifest;
  const bytes = exports.reduce((sum, object) => sum + (manifest.get(object.path)?.size ?? GUESSED_BYTES), 0);
  return {
    id: path === "" ? "/" : path,
    title: path === "" ? state.root : path,
    fingerprint: hash.digest("hex"),
    cursor: path,
    cost: { calls: way === "archive" ? 1 : exports.length, items: exports.length + moves.length, bytes },
    data: { branch, folder: path, way, objects: exports, moves, before },
  };
}

/** Exports a folder's changed objects and writes their blobs. Nothing refers to the blobs until the group is sealed. */
export async function runExport(step: Step<ExportData>, c: BackupWrite): Promise<Staged<StagedChanges>> {
  const { branch, folder, way, objects, moves, before } = step.data;
  const { state, inputs } = c;
  const repository = c.connections.destination;
  const { living } = state.parts.get(branch)!;
  const fileOf = (object: ScannedObject, format: string) => entryFile(object, format, inputs.format, living);
  const put: ManifestEntry[] = moves.map(({ object, from }) =>
    moved(object, from, fileOf(object, from.format)),
  );
  const borrowed = moves.map(({ from }) => from.blob);
  let bytes = 0;
  const take = async ({ object, bytes: content, format, fromArchive }: Exported<ScannedObject>) => {
    const blob = await repository.blob(content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    put.push({ ...entryOf(object, fileOf(object, format)), format, size: content.length, blob, sha256 });
    bytes += content.length;
    if (fromArchive) remember(state, folder, object.path);
  };
  const { rejected, gone } = await exportFolder(state.exporter, folder, objects, way, take);
  for (const path of gone) {
    state.vanished.add(path);
    c.say({
      type: "finding",
      kind: "vanished",
      item: absolute(state.root, path),
      detail: "was listed and is deleted since",
    });
  }
  for (const { path } of rejected) {
    state.failed.add(path);
    const held = before.find(({ object }) => object.path === path);
    const kept = held && keptVersion(held.object, held.from, fileOf(held.object, held.from.format));
    if (!kept) continue;
    put.push(kept);
    borrowed.push(kept.blob);
  }
  return {
    items: put.length,
    bytes,
    rejected: rejected.map(({ path, error }) => ({ item: absolute(state.root, path), ...errorFacts(error) })),
    staged: { branch, put, borrowed, remove: [] },
  };
}

/**
 * The entry of an object that could not be exported: its older version, under its name of today, and never with a time that
 * would let the next run take it for the newest. Undefined: it stands like that already.
 */
function keptVersion(object: ScannedObject, from: ManifestEntry, file: string): ManifestEntry | undefined {
  const newest = from.modified === object.modified;
  if (from.path === object.path && from.file === file && from.id === object.id && !newest) return undefined;
  return { ...moved(object, from, file), modified: newest ? 0 : from.modified };
}

/** The entry of an object whose bytes the backup has already. */
function moved(object: ScannedObject, from: ManifestEntry, file: string): ManifestEntry {
  const { format, size, blob, sha256 } = from;
  return { ...entryOf(object, file), format, size, blob, sha256 };
}

function entryOf(
  object: ScannedObject,
  file: string,
): Pick<ManifestEntry, "path" | "file" | "id" | "type" | "language" | "modified"> {
  const { path, id, type, language, modified } = object;
  return { path, file, id, type, modified, ...(language ? { language } : {}) };
}

function remember(state: BackupState, folder: string, path: string): void {
  const paths = state.fromArchives.get(folder) ?? new Set();
  state.fromArchives.set(folder, paths.add(path));
}
