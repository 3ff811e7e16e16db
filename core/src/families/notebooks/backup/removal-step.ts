import type { Staged, Step } from "../../../job/phase.ts";
import type { ManifestEntry } from "../manifest/manifest-bucket.ts";
import type { BackupWrite } from "./backup-state.ts";
import type { StagedChanges } from "./write-group.ts";

/** A step that takes entries out of the backup whose objects are gone. */
export type RemovalData = { readonly branch: string; readonly remove: readonly string[] };

const REMOVED_AT_ONCE = 5_000;

export function* removalSteps(branch: string, gone: readonly ManifestEntry[]): Iterable<Step<RemovalData>> {
  for (let at = 0; at < gone.length; at += REMOVED_AT_ONCE) {
    const paths = gone.slice(at, at + REMOVED_AT_ONCE).map(({ path }) => path);
    yield {
      id: `remove ${branch}:${paths[0]!}`,
      title: `Removing ${paths.length} objects of ${branch}`,
      fingerprint: "",
      cursor: "",
      cost: { calls: 0, items: paths.length, bytes: 0 },
      data: { branch, remove: paths },
    };
  }
}

export function isRemoval(step: Step): step is Step<RemovalData> {
  return (step.data as Partial<RemovalData>).remove !== undefined;
}

export async function runRemoval(
  { data }: Step<RemovalData>,
  c: BackupWrite,
): Promise<Staged<StagedChanges>> {
  const { manifest } = c.state.parts.get(data.branch)!.partition;
  const remove = data.remove.map((path) => manifest.get(path)).filter((entry) => entry !== undefined);
  return { items: remove.length, bytes: 0, staged: { branch: data.branch, put: [], borrowed: [], remove } };
}
