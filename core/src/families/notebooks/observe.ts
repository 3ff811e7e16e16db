import type { GitReader } from "../../connectors/git/port.ts";
import type { ReadContext } from "../../job/context.ts";
import type { AnyJob, Observation } from "../../job/define-job.ts";
import { bytes, count } from "../../job/quantities.ts";
import { normalFolder, normalRoot } from "./backup-state.ts";
import type { backupInputs } from "./inputs.ts";
import { backupKey } from "./partition.ts";
import { type Trailers, trailersOf } from "./trailers.ts";

const TAGS_LOOKED_AT = 20;

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
  const prefix = inputs.tag.split("{")[0]!;
  const tags = (await repository.refs("refs/tags/"))
    .filter(({ name }) => name.startsWith(`refs/tags/${prefix}`))
    .sort((a, b) => (a.name < b.name ? 1 : -1));
  const found: { name: string; at: Date; facts: Trailers }[] = [];
  for (const ref of tags.slice(0, TAGS_LOOKED_AT)) {
    if (ref.peeled === undefined) continue;
    const { message, taggedAt } = await repository.tag(ref);
    const facts = trailersOf(message);
    if (facts.backup === key)
      found.push({
        name: ref.name.slice("refs/tags/".length),
        at: facts.finishedAt ? new Date(facts.finishedAt) : taggedAt,
        facts,
      });
  }
  found.sort((a, b) => b.at.getTime() - a.at.getTime());
  const newest = found[0];
  if (!newest)
    return {
      from: `no tag ${inputs.tag} of this backup in ${repository.address}`,
      facts: [],
      next: "Run it: there is no backup yet.",
    };
  const good = found.find(({ facts }) => !facts.failed);
  return {
    ...(good ? { lastSuccess: good.at } : {}),
    from: `tag ${(good ?? newest).name} of ${repository.address}`,
    facts: [
      { label: "objects", value: count(newest.facts.objects ?? 0) },
      { label: "size", value: bytes(newest.facts.bytes ?? 0) },
      ...(newest.facts.failed
        ? [{ label: "failed", value: `${count(newest.facts.failed)} in ${newest.name}` }]
        : []),
    ],
    ...(newest.facts.failed
      ? {
          next: "Look at the report of the last run: objects that failed are named there. Exclude what must not be backed up.",
        }
      : {}),
  };
}
