import { posix } from "node:path";
import type { Commit, GitReader, Ref } from "../../../connectors/git/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import type { Shard } from "../../../job/inputs.ts";
import { type BackupDescription, DESCRIPTION_FILE } from "../manifest/backup-description.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { MANIFEST_FOLDER } from "../manifest/manifest-bucket.ts";
import { readBackup } from "../manifest/read-backup.ts";
import { trailersOf } from "../manifest/trailers.ts";

/** One branch of a backup: what it stands on, and the working branch that this run pushes as it grows. */
export interface Partition {
  /** The target branch, such as `main` or `main-2024`. */
  readonly branch: string;
  /** The target's head that the working branch was begun on; undefined when there was no such branch. */
  readonly begunOn: string | undefined;
  /** The commit that manifest and tree were read from: an unfinished working branch's head, else the target's. */
  readonly base: string | undefined;
  readonly working: { readonly ref: string; readonly resumed: boolean };
  /** What the branch was written with; undefined when it holds no backup yet. */
  readonly before: BackupDescription | undefined;
  /** What the backup holds; changed as groups are sealed. */
  readonly manifest: Manifest;
  /** Blob ids of the manifest's buckets, as the newest commit has them. */
  readonly buckets: Map<string, string>;
  /** Blob ids by file at `base`: tells edits that somebody made inside the backup. */
  readonly tree: ReadonlyMap<string, string>;
  /** The newest commit of the working branch, as the remote has it; undefined while there is none. */
  head: string | undefined;
}

export interface PartitionOptions {
  readonly run: string;
  readonly description: BackupDescription;
  readonly folder: string;
  readonly shard: Shard | undefined;
  /** How old an unfinished working branch may be, in milliseconds. */
  readonly maxAgeMs: number;
  readonly now: number;
  warn(text: string): void;
}

const WORKING = "refs/heads/backup/";
const RUN = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;

/** The working branch of a run on a target: its name says both, so that a later run finds what it may take up. */
function workingRef(run: string, branch: string, shard: Shard | undefined): string {
  return `${WORKING}${run}/${branch}${shard ? `.${shard.index}-of-${shard.of}` : ""}`;
}

/** Opens a target branch: takes up an unfinished working branch of the same backup, or begins one. */
export async function openPartition(
  repository: GitReader,
  branch: string,
  refs: readonly Ref[],
  o: PartitionOptions,
): Promise<Partition> {
  const target = refs.find(({ name }) => name === `refs/heads/${branch}`)?.oid;
  const unfinished = await findUnfinished(repository, branch, target, refs, o);
  const base = unfinished?.commit.oid ?? target;
  const { description: before, manifest, buckets, tree } = await readBackup(repository, base, o.folder);
  if (before) assertSameBackup(before, o.description, branch, repository.address);
  return {
    branch,
    begunOn: unfinished ? unfinished.begunOn : target,
    base,
    working: {
      ref: unfinished?.ref.name ?? workingRef(o.run, branch, o.shard),
      resumed: unfinished !== undefined,
    },
    before,
    manifest,
    buckets: new Map(buckets),
    tree,
    head: unfinished?.commit.oid,
  };
}

/**
 * Other working branches of a target whose backup has just been published: a killed run left them, or its last push came
 * late. Whoever holds the target's lease is the only one at work on them. Those of shards are not among them: shards
 * share the lease.
 */
export async function overtaken(
  repository: GitReader,
  { branch, working }: Partition,
  refs: readonly Ref[],
  key: string,
): Promise<readonly Ref[]> {
  const others = refs.filter(
    ({ name }) => name !== working.ref && name === workingRef(runOf(name), branch, undefined),
  );
  if (others.length === 0) return others;
  await repository.fetch(
    others.map(({ oid }) => oid),
    { trees: false },
  );
  const keys = await Promise.all(others.map(({ oid }) => keyOf(repository, oid)));
  return others.filter((_, i) => keys[i] === key);
}

async function keyOf(repository: GitReader, commit: string): Promise<string | undefined> {
  return trailersOf((await repository.commit(commit)).message).backup;
}

/** The run that a working branch is of; any text for other refs. */
function runOf(ref: string): string {
  return ref.startsWith(WORKING) ? ref.slice(WORKING.length).split("/")[0]! : "";
}

/** Working branches whose run began before `oldest`: nobody takes them up any more. */
export function abandoned(refs: readonly Ref[], oldest: string): readonly Ref[] {
  return refs.filter(({ name }) => {
    const run = runOf(name);
    return RUN.test(run) && run < oldest;
  });
}

interface Unfinished {
  readonly ref: Ref;
  readonly commit: Commit;
  readonly begunOn: string | undefined;
}

async function findUnfinished(
  repository: GitReader,
  branch: string,
  target: string | undefined,
  refs: readonly Ref[],
  o: PartitionOptions,
): Promise<Unfinished | undefined> {
  const key = backupKey(o.description, o.folder);
  const newestFirst = refs
    .filter(({ name }) => RUN.test(runOf(name)))
    .sort((a, b) => (a.name < b.name ? 1 : -1));
  for (const ref of newestFirst) {
    if (ref.name !== workingRef(runOf(ref.name), branch, o.shard)) continue;
    await repository.fetch([ref.oid], { trees: false });
    const commit = await repository.commit(ref.oid);
    const trailers = trailersOf(commit.message);
    if (trailers.backup !== key) continue;
    // The target has a later backup, and with it more than this branch, which a killed run has left.
    if (await publishedSince(repository, trailers.begunOn, target, o)) return undefined;
    if (o.now - commit.committedAt.getTime() <= o.maxAgeMs) return { ref, commit, begunOn: trailers.begunOn };
    o.warn(
      `The working branch ${ref.name.slice("refs/heads/".length)} is too old to be taken up again; a new one is begun.`,
    );
    return undefined;
  }
  return undefined;
}

/** Whether the target's manifest changed since a working branch was begun, in the buckets that this shard writes. */
async function publishedSince(
  repository: GitReader,
  begunOn: string | undefined,
  target: string | undefined,
  { folder, shard }: PartitionOptions,
): Promise<boolean> {
  if (target === undefined || target === begunOn) return false;
  await repository.fetch([target, ...(begunOn ? [begunOn] : [])]);
  const buckets = async (commit: string) => {
    const found = new Map<string, string>();
    for await (const { path, oid } of repository.tree(commit, posix.join(folder, MANIFEST_FOLDER))) {
      const bucket = Number.parseInt(posix.basename(path), 16);
      if (shard === undefined || bucket % shard.of === shard.index - 1) found.set(path, oid);
    }
    return found;
  };
  const now = await buckets(target);
  const then = begunOn ? await buckets(begunOn) : new Map<string, string>();
  return now.size !== then.size || [...now].some(([path, oid]) => then.get(path) !== oid);
}

/** Two runs with the same key make the same backup: one may go on where the other stopped, and status knows its tags. */
export function backupKey(d: Pick<BackupDescription, "host" | "root" | "format">, folder: string): string {
  return Buffer.from(JSON.stringify([d.host, d.root, d.format, folder])).toString("base64url");
}

function assertSameBackup(
  found: BackupDescription,
  wanted: BackupDescription,
  branch: string,
  address: string,
): void {
  if (found.host === wanted.host && found.root === wanted.root) return;
  throw new LakeferryError(
    `${address}, branch ${branch}: holds a backup of ${found.root} of ${found.host}, not of ${wanted.root} of ${wanted.host}.`,
    {
      code: "invalid-input",
      hint: `Give this backup a branch of its own (--branch), or a folder (--folder). What the branch holds stands in ${DESCRIPTION_FILE}.`,
    },
  );
}
