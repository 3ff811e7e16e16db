import type { GitReader } from "../../connectors/git/port.ts";
import type { ReadContext } from "../../job/context.ts";
import type { AnyJob, Observation } from "../../job/define-job.ts";
import { bytes, count } from "../../job/quantities.ts";
import { normalFolder, normalRoot } from "./backup/backup-state.ts";
import { backupKey } from "./backup/partition.ts";
import { isPartition } from "./backup/partitioning.ts";
import type { backupInputs } from "./inputs.ts";
import { type Trailers, trailersOf } from "./manifest/trailers.ts";

/** Enough for the last backup of many branches and shards. */
const TAGS_LOOKED_AT = 200;

interface Backup {
  readonly tag: string;
  readonly at: Date;
  readonly facts: Trailers;
}

/** What the tags of the backup repository say of the last backup: true on a machine that has never run one. */
export async function observe(job: AnyJob, c: ReadContext): Promise<Observation | undefined> {
  if (job.id !== "notebooks-backup") return undefined;
  const { inputs, connections } = c as unknown as ReadContext<
    typeof backupInputs,
    { source: "databricks"; destination: "git" }
  >;
  const repository: GitReader = connections.destination;
  const { host } = connections.source;
  const key = backupKey(
    { host, root: normalRoot(inputs.path), format: inputs.format },
    normalFolder(inputs.folder),
  );
  const isOurs = (branch: string | undefined) => branch !== undefined && isPartition(branch, inputs);
  const tagged = await readTags(repository, inputs.tag.split("{")[0]!, key, isOurs);
  const newest = newestOfEach(tagged);
  if (newest.length === 0)
    return {
      from: `no tag ${inputs.tag} of this backup in ${repository.address}`,
      facts: [],
      next: "Run it: there is no backup yet.",
    };
  const oldest = lastComplete(tagged.filter(({ facts }) => !facts.failed));
  const failed = newest.reduce((sum, { facts }) => sum + (facts.failed ?? 0), 0);
  const missing = missingShards(newest);
  return {
    ...(oldest ? { lastSuccess: oldest.at } : {}),
    from: `tag ${(oldest ?? newest[0]!).tag} of ${repository.address}`,
    facts: [
      { label: "objects", value: count(sumOfBranches(newest, "objects")) },
      { label: "size", value: bytes(sumOfBranches(newest, "bytes")) },
      ...(failed > 0 ? [{ label: "failed", value: count(failed) }] : []),
      ...(missing.length > 0 ? [{ label: "missing", value: `shards ${missing.join(", ")}` }] : []),
    ],
    ...(failed > 0
      ? {
          next: "Objects that failed are named in the report of the last run. Exclude what must not be backed up.",
        }
      : {}),
  };
}

async function readTags(
  repository: GitReader,
  prefix: string,
  key: string,
  isOurs: (branch: string | undefined) => boolean,
): Promise<readonly Backup[]> {
  const refs = (await repository.refs("refs/tags/"))
    .filter(({ name, peeled }) => peeled !== undefined && name.startsWith(`refs/tags/${prefix}`))
    .sort((a, b) => (a.name < b.name ? 1 : -1))
    .slice(0, TAGS_LOOKED_AT);
  if (refs.length > 0)
    await repository.fetch(
      refs.map(({ oid }) => oid),
      { trees: false },
    );
  const found: Backup[] = [];
  for (const ref of refs) {
    const { message, taggedAt } = await repository.tag(ref);
    const facts = trailersOf(message);
    const at = facts.finishedAt ? new Date(facts.finishedAt) : taggedAt;
    if (facts.backup === key && isOurs(facts.branch))
      found.push({ tag: ref.name.slice("refs/tags/".length), at, facts });
  }
  return found.sort((a, b) => b.at.getTime() - a.at.getTime());
}

/** The newest backup of each branch and shard, of the newest division into shards. */
function newestOfEach(newestFirst: readonly Backup[]): readonly Backup[] {
  const each = new Map<string, Backup>();
  for (const one of newestFirst.filter((backup) => shardsOf(backup) === shardsOf(newestFirst[0]!))) {
    const part = `${one.facts.branch} ${one.facts.shard}`;
    if (!each.has(part)) each.set(part, one);
  }
  return [...each.values()];
}

/** The last backup of which every part is there, by the part that is oldest: a backup is as old as that. */
function lastComplete(good: readonly Backup[]): Backup | undefined {
  const complete = [...Map.groupBy(good, shardsOf).values()]
    .map(newestOfEach)
    .filter((parts) => missingShards(parts).length === 0)
    .map((parts) => parts.reduce((a, b) => (a.at < b.at ? a : b)));
  return complete.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
}

/** How many shards the backup was divided into; undefined for one runner. */
function shardsOf({ facts }: Backup): string | undefined {
  return facts.shard?.split("/")[1];
}

function missingShards(parts: readonly Backup[]): readonly string[] {
  const shards = parts.map(({ facts }) => facts.shard).filter((shard) => shard !== undefined);
  const of = Number(shards[0]?.split("/")[1] ?? 0);
  return Array.from({ length: of }, (_, index) => `${index + 1}/${of}`).filter(
    (shard) => !shards.includes(shard),
  );
}

/** Each shard's tag counts its whole branch as it was then: the newest of a branch counts. */
function sumOfBranches(parts: readonly Backup[], what: "objects" | "bytes"): number {
  const byBranch = new Map<string | undefined, number>();
  for (const { facts } of parts)
    if (!byBranch.has(facts.branch)) byBranch.set(facts.branch, facts[what] ?? 0);
  return [...byBranch.values()].reduce((sum, one) => sum + one, 0);
}
