import type { Change, GitReader, Ref, RefUpdate } from "../../../connectors/git/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { countOf } from "../../../job/quantities.ts";
import { runStamp } from "../../../job/run-stamp.ts";
import { DESCRIPTION_FILE, encodeDescription } from "../manifest/backup-description.ts";
import { BUCKETS, bucketFile, folderOf, type ManifestEntry } from "../manifest/manifest-bucket.ts";
import { readBackup } from "../manifest/read-backup.ts";
import { type Trailers, withTrailers } from "../manifest/trailers.ts";
import { backupPages, isOurs } from "./backup-pages.ts";
import { type BackupWrite, isMine, isMyBucket, type Part } from "./backup-state.ts";
import { abandoned, backupKey, overtaken, type Partition } from "./partition.ts";
import { fetchBlobs, inRepository, trailers } from "./write-group.ts";

const MERGES_TRIED = 5;

/**
 * Moves the target branches to what the working branches hold, with a tag that says so, all in one push. A target that
 * somebody moved meanwhile is merged: their files are kept, and the backup's own are the backup's. Asked again after it
 * was done, it changes nothing.
 */
export async function publish(c: BackupWrite): Promise<void> {
  const { state } = c;
  const repository = c.connections.destination;
  for (const part of state.parts.values()) await writePages(c, part);
  for (let tries = 1; ; tries++) {
    const refs = await repository.refs("refs/heads/", "refs/tags/");
    const updates: RefUpdate[] = [];
    const commits: string[] = [];
    const tags: string[] = [];
    for (const { partition } of state.parts.values()) {
      const target = refs.find(({ name }) => name === `refs/heads/${partition.branch}`)?.oid;
      const commit = await merged(c, partition, target);
      if (commit === undefined) continue; // nothing in the workspace, nothing at the destination
      if (commit !== target)
        updates.push({ name: `refs/heads/${partition.branch}`, from: target, to: commit });
      const tag = freeTag(tagName(c, partition), refs, tags);
      updates.push({
        name: `refs/tags/${tag}`,
        from: undefined,
        to: await repository.newTag({
          name: tag,
          target: commit,
          message: tagMessage(c, partition),
          at: new Date(c.now()),
        }),
      });
      if (partition.head) updates.push({ name: partition.working.ref, from: partition.head, to: undefined });
      commits.push(commit);
      tags.push(tag);
    }
    try {
      await repository.push(updates);
      Object.assign(state.published, { commits, tags });
      return;
    } catch (thrown) {
      const conflict = thrown instanceof LakeferryError && thrown.code === "conflict";
      if (!conflict || tries === MERGES_TRIED) throw thrown;
    }
  }
}

/** Writes the description and the pages for people, as far as they changed; leaves files alone that are not ours. */
async function writePages(c: BackupWrite, { partition }: Part): Promise<void> {
  const { state } = c;
  const repository = c.connections.destination;
  const empty = partition.base === undefined && partition.head === undefined && partition.manifest.size === 0;
  if (empty && partition.branch !== c.inputs.branch) return;
  const wanted = new Map<string, Buffer>([[DESCRIPTION_FILE, encodeDescription(state.description)]]);
  for (const [path, text] of backupPages(partition.manifest, state.description)) {
    const theirs = partition.tree.get(path);
    const page = Buffer.from(text);
    if (theirs === undefined || (await ours(repository, theirs))) wanted.set(path, page);
    else
      c.say({
        type: "warning",
        item: path,
        text: `on ${partition.branch} is not written by Lakeferry and is left as it is`,
      });
  }
  const changes: Change[] = [];
  for (const [path, content] of wanted) {
    const oid = await repository.blob(content);
    if (partition.tree.get(path) !== oid) changes.push({ op: "put", path: inRepository(state, path), oid });
  }
  if (changes.length === 0) return;
  const from = partition.head;
  const parent = from ?? partition.base;
  const to = await repository.newCommit({
    parents: parent ? [parent] : [],
    changes,
    message: withTrailers("Describe the backup", trailers(c, partition)),
    at: new Date(c.now()),
  });
  await repository.push([{ name: partition.working.ref, from, to }]);
  partition.head = to;
}

async function ours(repository: GitReader, oid: string): Promise<boolean> {
  for await (const { bytes } of repository.blobs([oid])) return isOurs(bytes);
  return false;
}

/** What the target is to point to: the working head, or a merge of it and a target that moved. Undefined: there is nothing. */
async function merged(
  c: BackupWrite,
  partition: Partition,
  target: string | undefined,
): Promise<string | undefined> {
  const repository = c.connections.destination;
  const { head } = partition;
  if (head === undefined) return target ?? partition.base;
  if (target === undefined || target === partition.begunOn || target === head) return head;
  await repository.fetch([target, ...(partition.begunOn ? [partition.begunOn] : [])]);
  const theirs: Change[] = [];
  const conflicts: string[] = [];
  if (c.inputs.shard) await takeOverShards(c, partition, target);
  const managed = managedFiles(c, partition);
  const differing = new Set<string>();
  for await (const { path } of repository.diff(head, target)) differing.add(path);
  // A branch that was not there at the start is new from its first file on.
  const changes = partition.begunOn ? repository.diff(partition.begunOn, target) : repository.tree(target);
  for await (const change of changes) {
    if (!differing.has(change.path)) continue;
    if (managed(change.path)) conflicts.push(change.path);
    else
      theirs.push(
        change.oid ? { op: "put", path: change.path, oid: change.oid } : { op: "delete", path: change.path },
      );
  }
  for (const file of conflicts)
    c.say({
      type: "finding",
      kind: "conflict",
      item: file,
      detail: `was changed on ${partition.branch} while this run was at work; the workspace's version stays, theirs is in the history`,
    });
  // Their contents must be here to be written into a commit.
  await fetchBlobs(
    repository,
    theirs.flatMap((change) => (change.op === "put" ? [change.oid] : [])),
  );
  if (c.inputs.shard) await addPages(c, partition, target, theirs);
  const message = `Take over ${countOf(theirs.length, "change")} made on ${partition.branch} meanwhile`;
  return repository.newCommit({
    parents: [head, target],
    changes: theirs,
    message: withTrailers(message, trailers(c, partition)),
    at: new Date(c.now()),
  });
}

/** Whether a path of the repository is the backup's own, and not that of another shard. */
function managedFiles(c: BackupWrite, { manifest }: Partition): (path: string) => boolean {
  const { state, inputs } = c;
  const files = new Set<string>();
  for (const { path, file } of manifest.entries())
    if (isMine(folderOf(path), inputs)) files.add(inRepository(state, file));
  const others = new Set<string>();
  for (let bucket = 0; bucket < BUCKETS; bucket++)
    if (!isMyBucket(bucket, inputs)) others.add(inRepository(state, bucketFile(bucket)));
  const own = `${inRepository(state, ".lakeferry")}/`;
  return (path) => files.has(path) || (path.startsWith(own) && !others.has(path));
}

/** Shards write buckets of one manifest, none the same: what the others have pushed meanwhile is theirs. */
async function takeOverShards(c: BackupWrite, { manifest }: Partition, target: string): Promise<void> {
  const theirs = await readBackup(c.connections.destination, target, c.state.folder);
  const others = ({ path }: ManifestEntry) => !isMine(folderOf(path), c.inputs);
  for (const { path } of [...manifest.entries()].filter(others)) manifest.delete(path);
  for (const entry of theirs.manifest.entries()) if (others(entry)) manifest.set(entry);
  manifest.settle();
}

/** The pages count the objects of all shards, as they are now. */
async function addPages(
  c: BackupWrite,
  partition: Partition,
  target: string,
  changes: Change[],
): Promise<void> {
  const { state } = c;
  const repository = c.connections.destination;
  for (const [name, text] of backupPages(partition.manifest, state.description)) {
    const path = inRepository(state, name);
    const [there] = await Array.fromAsync(repository.tree(target, path));
    if (there && !(await ours(repository, there.oid))) continue;
    changes.push({ op: "put", path, oid: await repository.blob(Buffer.from(text)) });
  }
}

function tagName(c: BackupWrite, { branch }: Partition): string {
  const date = new Date(c.now()).toISOString().slice(0, 10);
  const { tag, shard, branch: main } = c.inputs;
  const partition = branch === main ? "" : `-${branch.slice(main.length + 1)}`;
  const part = shard ? `.${shard.index}-of-${shard.of}` : "";
  return tag.replaceAll("{date}", date).replaceAll("{run}", c.run.id) + partition + part;
}

/** A second backup of the same day gets `.2`. */
function freeTag(wanted: string, refs: readonly Ref[], taken: readonly string[]): string {
  const free = (name: string) =>
    !taken.includes(name) && !refs.some((ref) => ref.name === `refs/tags/${name}`);
  if (free(wanted)) return wanted;
  for (let n = 2; ; n++) if (free(`${wanted}.${n}`)) return `${wanted}.${n}`;
}

function tagMessage(c: BackupWrite, { manifest, branch }: Partition): string {
  const { state } = c;
  const { objects, bytes } = manifest.totals();
  const failed = state.failed.size + state.scan.unreadable.length;
  const facts: Trailers = {
    run: c.run.id,
    backup: backupKey(state.description, state.folder),
    objects,
    bytes,
    failed,
    branch,
    finishedAt: new Date(c.now()).toISOString(),
    ...(c.inputs.shard ? { shard: `${c.inputs.shard.index}/${c.inputs.shard.of}` } : {}),
  };
  return withTrailers(
    `Backup of ${state.root} of ${state.description.host}: ${countOf(objects, "object")}${failed > 0 ? `, ${failed} failed` : ""}`,
    facts,
  );
}

/** Takes back the tags of a backup that turned out not to be what the workspace listed: a tag stands for a good one. */
export async function retractTags(c: BackupWrite): Promise<void> {
  const names = c.state.published.tags.map((tag) => `refs/tags/${tag}`);
  const refs = (await c.connections.destination.refs("refs/tags/")).filter(({ name }) =>
    names.includes(name),
  );
  await c.connections.destination.push(refs.map(({ name, oid }) => ({ name, from: oid, to: undefined })));
  c.say({ type: "warning", text: `The tag ${c.state.published.tags.join(", ")} was taken back.` });
}

/**
 * Deletes working branches that this backup has overtaken, or that nobody took up for as long as records are kept. What
 * cannot be deleted is left, and told.
 */
export async function sweepAbandoned(c: BackupWrite): Promise<void> {
  const refs = await c.connections.destination.refs("refs/heads/backup/");
  const swept = new Set(abandoned(refs, runStamp(c.now() - c.run.retentionMs)));
  if (!c.inputs.shard) {
    const key = backupKey(c.state.description, c.state.folder);
    for (const { partition } of c.state.parts.values())
      for (const ref of await overtaken(c.connections.destination, partition, refs, key)) swept.add(ref);
  }
  const old = [...swept];
  if (old.length === 0) return;
  try {
    await c.connections.destination.push(old.map(({ name, oid }) => ({ name, from: oid, to: undefined })));
  } catch (thrown) {
    if (!(thrown instanceof LakeferryError)) throw thrown;
    c.say({ type: "warning", text: `Old working branches could not be deleted: ${thrown.message}` });
  }
}
