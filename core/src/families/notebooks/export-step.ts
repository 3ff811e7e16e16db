import { createHash } from "node:crypto";

import { errorFacts } from "../../job/events.ts";
import type { Staged, Step } from "../../job/phase.ts";
import type { BackupState, BackupWrite } from "./backup-state.ts";
import type { FolderChanges } from "./compare.ts";
import { type Exported, exportFolder } from "./export-folder.ts";
import type { ManifestEntry } from "./manifest-bucket.ts";
import { absolute, type ScannedObject } from "./scan-workspace.ts";
import type { StagedChanges } from "./write-group.ts";

/** A step of the export: objects of one folder, as plain JSON. */
export type ExportData = {
  readonly branch: string;
  readonly folder: string;
  readonly way: "archive" | "single";
  readonly objects: readonly ScannedJson[];
  readonly moves: readonly { readonly object: ScannedJson; readonly from: ManifestJson }[];
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
  const { exports, moves, path } = changes;
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
    data: { branch, folder: path, way, objects: exports, moves },
  };
}

/** Exports a folder's changed objects and writes their blobs. Nothing refers to the blobs until the group is sealed. */
export async function runExport(step: Step<ExportData>, c: BackupWrite): Promise<Staged<StagedChanges>> {
  const { branch, folder, way, objects, moves } = step.data;
  const { state } = c;
  const repository = c.connections.destination;
  const put: ManifestEntry[] = moves.map(({ object, from }) => ({
    ...entryOf(object, object.file),
    format: from.format,
    size: from.size,
    blob: from.blob,
    sha256: from.sha256,
  }));
  let bytes = 0;
  const take = async ({ object, bytes: content, format, fromArchive }: Exported<ScannedObject>) => {
    const blob = await repository.blob(content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    const file =
      format === "SOURCE" && object.file.endsWith(".ipynb")
        ? withSourceExtension(object, state, branch)
        : object.file;
    put.push({ ...entryOf(object, file), format, size: content.length, blob, sha256 });
    bytes += content.length;
    if (fromArchive) remember(state, folder, object.path);
  };
  const { rejected, gone } = await exportFolder(state.exporter, folder, objects, way, take);
  for (const path of gone) state.vanished.add(path);
  for (const { path } of rejected) state.failed.add(path);
  return {
    items: put.length,
    bytes,
    rejected: rejected.map(({ path, error }) => ({ item: absolute(state.root, path), ...errorFacts(error) })),
    staged: { branch, put, borrowed: moves.map(({ from }) => from.blob), remove: [] },
  };
}

function entryOf(
  object: ScannedObject,
  file: string,
): Pick<ManifestEntry, "path" | "file" | "id" | "type" | "language" | "modified"> {
  const { path, id, type, language, modified } = object;
  return { path, file, id, type, modified, ...(language ? { language } : {}) };
}

const EXTENSIONS = { PYTHON: ".py", SQL: ".sql", SCALA: ".scala", R: ".r" } as const;

/** The file of a notebook that is kept as source among Jupyter ones; never that of another object. */
function withSourceExtension(object: ScannedObject, state: BackupState, branch: string): string {
  const stem = object.file.replace(/\.ipynb$/, "");
  const file = `${stem}${EXTENSIONS[object.language ?? "PYTHON"]}`;
  return state.parts.get(branch)!.living.has(file)
    ? `${stem} (source)${EXTENSIONS[object.language ?? "PYTHON"]}`
    : file;
}

function remember(state: BackupState, folder: string, path: string): void {
  const paths = state.fromArchives.get(folder) ?? new Set();
  state.fromArchives.set(folder, paths.add(path));
}
