import { posix } from "node:path";
import type { Ref } from "../../../connectors/git/port.ts";
import type { ReadContext, WriteContext } from "../../../job/context.ts";
import { LakeferryError } from "../../../job/errors.ts";
import type { InputValues } from "../../../job/inputs.ts";
import { count, countOf } from "../../../job/quantities.ts";
import { createExporter, type Exporter } from "../export/exporter.ts";
import { selection } from "../globs.ts";
import type { backupInputs } from "../inputs.ts";
import type { BackupDescription } from "../manifest/backup-description.ts";
import { bucketOf } from "../manifest/manifest-bucket.ts";
import { absolute, type Scan, type ScannedFolder, scanWorkspace } from "../scan-workspace.ts";
import { type Comparison, compare } from "./compare.ts";
import { openPartition, type Partition } from "./partition.ts";
import { branchOf, isPartition } from "./partitioning.ts";

export type BackupNeeds = { readonly source: "databricks"; readonly destination: "git" };
export type BackupInputs = InputValues<typeof backupInputs>;
export type BackupRead = ReadContext<typeof backupInputs, BackupNeeds, BackupState>;
export type BackupWrite = WriteContext<typeof backupInputs, BackupNeeds, BackupState>;

/** One branch with what the workspace has for it. */
export interface Part {
  readonly partition: Partition;
  readonly comparison: Comparison;
  /** Files of living objects: removing an object that is gone must not remove them. */
  readonly living: ReadonlySet<string>;
}

/** What a backup knows after it has looked at both sides. */
export interface BackupState {
  readonly root: string;
  /** The folder of the repository, without slashes at its ends; "" is the whole of it. */
  readonly folder: string;
  readonly description: BackupDescription;
  readonly scan: Scan;
  readonly parts: ReadonlyMap<string, Part>;
  readonly exporter: Exporter;
  /** Objects that could not be exported, and objects deleted while the run was at work, by path. */
  readonly failed: Set<string>;
  readonly vanished: Set<string>;
  /** Folders that an archive gave objects of, in case archives turn out to be wrong. */
  readonly fromArchives: Map<string, Set<string>>;
  /** Branches whose manifest marks what archives gave as doubtful, so that a run after a crash exports it again. */
  readonly doubted: Set<string>;
  readonly refs: readonly Ref[];
  /** What is at the destination in the end, for the outputs. */
  readonly published: { commits: string[]; tags: string[] };
}

/** Reads both sides at the same time and compares them. */
export async function prepareBackup(
  c: ReadContext<typeof backupInputs, BackupNeeds, undefined>,
): Promise<BackupState> {
  const { inputs, connections } = c;
  const root = normalRoot(inputs.path);
  const folder = normalFolder(inputs.folder);
  if (inputs.branch === "backup" || inputs.branch.startsWith("refs/"))
    throw new LakeferryError(`A target branch cannot be named ${inputs.branch}.`, {
      code: "invalid-input",
      hint: "Choose another --branch, such as main; working branches are named backup/<run>.",
    });
  const selected = selection(inputs.include, inputs.exclude, root);
  const description: BackupDescription = {
    version: 1,
    root,
    format: inputs.format,
    host: connections.source.host,
    include: inputs.include,
    exclude: inputs.exclude,
  };
  const scanning = scanWorkspace(connections.source.workspace, {
    root,
    format: inputs.format,
    selected,
    mayContain: (path) => selected.mayContain(path),
    concurrency: inputs.concurrency,
    signal: c.signal,
    progress: (folders, objects) =>
      c.say({
        type: "progress",
        phase: "prepare",
        text: `${count(folders)} folders, ${count(objects)} objects listed`,
      }),
  });
  scanning.catch(() => undefined); // it is awaited below, after the refs: an early failure is not unhandled
  const refs = await connections.destination.refs("refs/heads/", "refs/tags/");
  const heads = refs.map(({ name }) => name.replace(/^refs\/heads\//, ""));
  const open = (branch: string) =>
    openPartition(connections.destination, branch, refs, {
      run: c.run.id,
      description,
      folder,
      shard: inputs.shard,
      maxAgeMs: inputs.maxAge,
      now: c.now(),
      warn: (text) => c.say({ type: "warning", text }),
    });
  const partitions = new Map<string, Partition>();
  for (const branch of [
    inputs.branch,
    ...heads.filter((head) => head !== inputs.branch && isPartition(head, inputs)),
  ])
    partitions.set(branch, await open(branch));
  const whole = await scanning;
  refuseToEmpty(whole, partitions.values(), inputs);
  const scan = ofShard(whole, inputs);
  const byBranch = Map.groupBy(scan.folders, (one) => branchOf(one.path, inputs));
  const parts = new Map<string, Part>();
  for (const branch of new Set([...partitions.keys(), ...byBranch.keys()])) {
    parts.set(
      branch,
      part(partitions.get(branch) ?? (await open(branch)), scan, byBranch.get(branch) ?? [], inputs),
    );
  }
  const exporter = createExporter({
    workspace: connections.source.workspace,
    root,
    format: inputs.format,
    concurrency: inputs.concurrency,
    warn: (text, item) => c.say({ type: "warning", text, item }),
  });
  tell(c, scan, parts);
  return {
    root,
    folder,
    description,
    scan,
    parts,
    exporter,
    failed: new Set(),
    vanished: new Set(),
    fromArchives: new Map(),
    doubted: new Set(),
    refs,
    published: { commits: [], tags: [] },
  };
}

/** `/Clients/` → `/Clients`. @throws LakeferryError `invalid-input` for a path that is not absolute */
export function normalRoot(path: string): string {
  if (!path.startsWith("/"))
    throw new LakeferryError(`"${path}" is not a workspace path.`, {
      code: "invalid-input",
      hint: `Workspace paths begin with a slash: /${path}.`,
    });
  return path.replace(/\/+/g, "/").replace(/\/$/, "") || "/";
}

/**
 * A folder of the repository without slashes at its ends; "" is the whole repository.
 * @throws LakeferryError `invalid-input` for one outside the repository
 */
export function normalFolder(folder: string | undefined): string {
  const normal = posix.normalize(folder ?? ".").replace(/^\/+|\/+$/g, "");
  if (normal === ".." || normal.startsWith("../"))
    throw new LakeferryError(`The folder ${folder} is not in the repository.`, {
      code: "invalid-input",
      hint: "Name a folder of the repository, such as workspace.",
    });
  return normal === "." ? "" : normal;
}

/** A scan that selects nothing is a wrong path or glob, or a token that sees nothing: not a reason to remove all. */
function refuseToEmpty(scan: Scan, partitions: Iterable<Partition>, inputs: BackupInputs): void {
  if (scan.selected > 0 || inputs.deleted === "keep") return;
  for (const { manifest, branch } of partitions) {
    const { objects } = manifest.totals();
    if (objects === 0) continue;
    throw new LakeferryError(
      `Nothing of ${inputs.path} is selected, and the branch ${branch} has a backup of ${countOf(objects, "object")}, which would be emptied.`,
      {
        code: "invalid-input",
        hint: "Check --path, --include and --exclude, and what the token may see. With --deleted keep, nothing is removed.",
      },
    );
  }
}

/** Whether a folder is of the shard at work: its bucket decides, so that shards never write the same file. */
export function isMine(folder: string, inputs: BackupInputs): boolean {
  return inputs.shard === undefined || isMyBucket(bucketOf(folder), inputs);
}

/** Whether a bucket of the manifest is written by the shard at work. */
export function isMyBucket(bucket: number, { shard }: BackupInputs): boolean {
  return shard === undefined || bucket % shard.of === shard.index - 1;
}

/** What of a scan this shard does. The rest is counted by the other shards, as are excluded objects by the first. */
function ofShard(scan: Scan, inputs: BackupInputs): Scan {
  if (inputs.shard === undefined) return scan;
  const folders = scan.folders.filter(({ path }) => isMine(path, inputs));
  const selected = folders.reduce((sum, { objects }) => sum + objects.length, 0);
  return inputs.shard.index === 1
    ? { ...scan, folders, selected }
    : { ...scan, folders, selected, excluded: 0, unsupported: [] };
}

function part(
  partition: Partition,
  scan: Scan,
  folders: readonly ScannedFolder[],
  inputs: BackupInputs,
): Part {
  const living = new Set(folders.flatMap(({ objects }) => objects.map(({ file }) => file)));
  const comparison = compare(folders, {
    living,
    manifest: partition.manifest,
    tree: partition.tree,
    format: inputs.format,
    formatBefore: partition.before?.format,
    unreadable: scan.unreadable.map(({ path }) => path),
    mine: (folder) => isMine(folder, inputs),
  });
  return { partition, comparison, living };
}

function tell(
  c: ReadContext<typeof backupInputs, BackupNeeds, undefined>,
  scan: Scan,
  parts: ReadonlyMap<string, Part>,
): void {
  for (const { path, error } of scan.unreadable)
    c.say({
      type: "warning",
      item: absolute(normalRoot(c.inputs.path), path),
      text: `cannot be listed (${error.message}); what the backup has of it is left as it is`,
    });
  for (const { path, type } of scan.unsupported)
    c.say({
      type: "warning",
      item: path,
      text: `is a ${type.toLowerCase().replaceAll("_", " ")}, which the workspace cannot export`,
    });
  for (const { partition, comparison } of parts.values()) {
    if (partition.working.resumed)
      c.say({
        type: "progress",
        phase: "prepare",
        text: `goes on where ${partition.working.ref.slice("refs/heads/".length)} stopped: ${countOf(comparison.unchanged, "object")} are there already`,
      });
    for (const file of comparison.edited)
      c.say({
        type: "finding",
        kind: "conflict",
        item: file,
        detail: `was changed on ${partition.branch} by somebody else; the workspace's version replaces it, theirs stays in the history`,
      });
  }
}
