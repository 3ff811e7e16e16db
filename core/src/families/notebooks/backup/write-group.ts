import { posix } from "node:path";
import type { Change, GitWriter, NewCommit } from "../../../connectors/git/port.ts";
import { DESCRIPTION_FILE, encodeDescription } from "../manifest/backup-description.ts";
import type { ManifestEntry } from "../manifest/manifest-bucket.ts";
import { bucketFile, folderOf } from "../manifest/manifest-bucket.ts";
import type { BackupState, BackupWrite } from "./backup-state.ts";
import { commitMessage } from "./commit-message.ts";
import { backupKey, type Partition } from "./partition.ts";

/** What a step leaves for its group: entries whose blobs are written, and entries to take out. */
export interface StagedChanges {
  readonly branch: string;
  /** New or replaced entries. */
  readonly put: readonly ManifestEntry[];
  /** Blobs among them that only the remote has: those of renamed objects. */
  readonly borrowed: readonly string[];
  /** Entries whose object is gone. */
  readonly remove: readonly ManifestEntry[];
}

/** What a group changes on one branch. */
export interface GroupChanges extends Omit<StagedChanges, "branch"> {
  /** Keep removed entries, marked, and their files. */
  readonly keep: boolean;
}

/**
 * Makes changes of several branches durable in one push: for each a few commits of at most `commit-size` files on its
 * working branch, the manifest in the last of them. Asked twice, the second commits change nothing.
 */
export async function writeGroup(c: BackupWrite, changes: ReadonlyMap<string, GroupChanges>): Promise<void> {
  const repository = c.connections.destination;
  // Git writes no commit of blobs that are not here; what was renamed is fetched, all together.
  await fetchBlobs(
    repository,
    [...changes.values()].flatMap(({ borrowed }) => borrowed),
  );
  const updates: { partition: Partition; from: string | undefined; to: string }[] = [];
  for (const [branch, change] of changes) {
    const part = c.state.parts.get(branch)!;
    const from = part.partition.head;
    const to = await commitGroup(c, repository, part.partition, change, part.living);
    if (to !== undefined) updates.push({ partition: part.partition, from, to });
  }
  await repository.push(
    updates.map(({ partition, from, to }) => ({ name: partition.working.ref, from, to })),
  );
  for (const { partition, to } of updates) partition.head = to;
}

async function commitGroup(
  c: BackupWrite,
  repository: GitWriter,
  partition: Partition,
  change: GroupChanges,
  living: ReadonlySet<string>,
): Promise<string | undefined> {
  const { state, inputs } = c;
  let head = partition.head ?? partition.base;
  const removed = [
    ...change.remove.filter(({ file }) => !change.keep && !living.has(file)),
    ...outgrown(partition, change.put, living),
  ];
  const files: { entry: ManifestEntry; change: Change }[] = [
    ...removed.map((entry) => ({
      entry,
      change: { op: "delete" as const, path: inRepository(state, entry.file) },
    })),
    ...change.put.map((entry) => ({
      entry,
      change: { op: "put" as const, path: inRepository(state, entry.file), oid: entry.blob },
    })),
  ];
  applyToManifest(partition, change, living, new Date(c.now()).toISOString());
  doubtArchives(state, partition);
  if (files.length === 0 && partition.manifest.dirty().length === 0) return undefined;
  const chunks = chunked(files, inputs.commitSize);
  for (const [index, chunk] of chunks.entries()) {
    const last = index === chunks.length - 1;
    const manifest = last
      ? [
          ...(await describe(state, repository, partition)),
          ...(await manifestChanges(state, repository, partition)),
        ]
      : [];
    const message = commitMessage(
      chunk.map(({ entry, change: { op } }) => ({ path: entry.path, deleted: op === "delete" })),
      trailers(c, partition),
    );
    head = await repository.newCommit({
      parents: head ? [head] : [],
      changes: [...chunk.map((one) => one.change), ...manifest],
      message,
      at: new Date(c.now()),
    } satisfies NewCommit);
  }
  return head!;
}

/** Entries whose object stays at its path and whose file gets another name: with another language, or beside a new neighbour. */
function outgrown(
  { manifest }: Partition,
  put: readonly ManifestEntry[],
  living: ReadonlySet<string>,
): readonly ManifestEntry[] {
  const written = new Set(put.map(({ file }) => file));
  return put.flatMap(({ path, file }) => {
    const before = manifest.get(path);
    const left = before && before.file !== file && !living.has(before.file) && !written.has(before.file);
    return left ? [before] : [];
  });
}

/** What every commit of a working branch says for programs: whose it is, and where its branch began. */
export function trailers(
  c: BackupWrite,
  partition: Partition,
): { run: string; backup: string; begunOn?: string } {
  return {
    run: c.run.id,
    backup: backupKey(c.state.description, c.state.folder),
    ...(partition.begunOn ? { begunOn: partition.begunOn } : {}),
  };
}

/** The path of a backup's file in the repository. */
export function inRepository(state: Pick<BackupState, "folder">, file: string): string {
  return posix.join(state.folder, file);
}

function applyToManifest(
  { manifest }: Partition,
  { put, remove, keep }: GroupChanges,
  living: ReadonlySet<string>,
  now: string,
): void {
  for (const entry of remove) {
    // What was kept has no file any more once a living object has its name: the history has it.
    if (keep && !living.has(entry.file)) manifest.set({ ...entry, deleted: now });
    else manifest.delete(entry.path);
  }
  // An entry whose file another object has now, and which is not written anew, has lost its file to the history.
  const written = new Set(put.map(({ path }) => path));
  const taken = new Set(put.map(({ file }) => file));
  for (const folder of new Set(put.map(({ path }) => folderOf(path))))
    for (const { path, file } of [...manifest.inFolder(folder)])
      if (taken.has(file) && !written.has(path)) manifest.delete(path);
  for (const entry of put) manifest.set(entry);
}

/** What archives gave before a sample showed that they are wrong loses its time: whoever comes next exports it again. */
function doubtArchives(state: BackupState, { manifest, branch }: Partition): void {
  if (state.exporter.trust.broken === undefined || state.doubted.has(branch)) return;
  state.doubted.add(branch);
  for (const paths of state.fromArchives.values()) {
    for (const path of paths) {
      const entry = manifest.get(path);
      if (entry) manifest.set({ ...entry, modified: 0 });
    }
  }
}

/** A first backup is described from its first group on: a manifest without a description is none to go on from. */
async function describe(
  state: BackupState,
  repository: GitWriter,
  partition: Partition,
): Promise<readonly Change[]> {
  if (partition.before) return [];
  const oid = await repository.blob(encodeDescription(state.description));
  return [{ op: "put", path: inRepository(state, DESCRIPTION_FILE), oid }];
}

async function manifestChanges(
  state: BackupState,
  repository: GitWriter,
  { manifest, buckets }: Partition,
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const bucket of manifest.dirty()) {
    const bytes = manifest.encode(bucket);
    const file = bucketFile(bucket);
    const path = inRepository(state, file);
    if (bytes.length === 0) {
      buckets.delete(file);
      changes.push({ op: "delete", path });
    } else {
      const oid = await repository.blob(bytes);
      buckets.set(file, oid);
      changes.push({ op: "put", path, oid });
    }
  }
  manifest.settle();
  return changes;
}

/** Brings blobs here that only the remote has. */
export async function fetchBlobs(repository: GitWriter, oids: readonly string[]): Promise<void> {
  for await (const _ of repository.blobs(oids));
}

/** Never none: a group without files still has a manifest to write. */
function chunked<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < all.length; at += size) chunks.push(all.slice(at, at + size));
  return chunks.length > 0 ? chunks : [[]];
}
