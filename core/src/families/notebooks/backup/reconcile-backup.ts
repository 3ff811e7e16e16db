import { type Equation, equationSide, type Side } from "../../../job/equation.ts";
import { type ReadBackup, readBackup } from "../manifest/read-backup.ts";
import { type BackupRead, isMine } from "./backup-state.ts";
import { below } from "./compare.ts";
import { branchOf } from "./partitioning.ts";

const MOST_NAMED = 100;

/**
 * Counts both sides: what the workspace listed, and what the remote has now at the heads of the target branches, read
 * anew and from nowhere else.
 */
export async function reconcileBackup(c: BackupRead): Promise<readonly Equation[]> {
  const { state, inputs } = c;
  const remote = await c.connections.destination.fresh();
  const refs = await remote.refs("refs/heads/");
  const backups = new Map<string, ReadBackup>();
  for (const [branch, { partition }] of state.parts) {
    const head = refs.find(({ name }) => name === `refs/heads/${branch}`)?.oid;
    backups.set(branch, await readBackup(remote, head, state.folder, partition));
  }
  const excepted = (path: string) => state.failed.has(path) || state.vanished.has(path);
  const unknown = below(state.scan.unreadable.map(({ path }) => path));
  const listed = new Map<string, Listed>();
  for (const { path: folder, objects } of state.scan.folders) {
    const branch = branchOf(folder, inputs);
    for (const { path, id, modified } of objects) listed.set(path, { branch, id, modified });
  }
  let entries = 0;
  let inTree = 0;
  const damaged: string[] = [];
  const extra: string[] = [];
  for (const [branch, { manifest, tree }] of backups) {
    for (const { path, file, blob, folder } of manifest.living()) {
      entries += 1;
      if (tree.get(file) === blob) inTree += 1;
      else damaged.push(path);
      const mine = isMine(folder, inputs) && !unknown(folder) && !excepted(path);
      if (mine && listed.get(path)?.branch !== branch) extra.push(path);
    }
  }
  const missing: string[] = [];
  let there = 0;
  for (const [path, { branch, id, modified }] of listed) {
    if (excepted(path)) continue;
    const entry = backups.get(branch)?.manifest.get(path);
    const same = entry?.deleted === undefined && entry?.id === id && entry.modified === modified;
    if (same) there += 1;
    else missing.push(path);
  }
  return [
    {
      name: "objects",
      left: equationSide(
        "listed by the workspace",
        listed.size + state.scan.excluded + state.scan.unsupported.length,
        "source",
      ),
      right: [
        equationSide("in the manifest at the remote, as listed", there, "destination"),
        ...planned("excluded", state.scan.excluded),
        ...planned("not exportable", state.scan.unsupported.length),
        ...planned("failed", state.failed.size),
        ...planned("deleted during the run", state.vanished.size),
      ],
      differences: missing.slice(0, MOST_NAMED),
    },
    {
      name: "nothing else",
      left: equationSide("entries of the manifest that were not listed", extra.length, "destination"),
      right: [equationSide("expected", 0, "plan")],
      differences: extra.slice(0, MOST_NAMED),
    },
    {
      name: "contents",
      left: equationSide("entries of the manifest at the remote", entries, "destination"),
      right: [equationSide("files there with the recorded blob", inTree, "destination")],
      differences: damaged.slice(0, MOST_NAMED),
    },
  ];
}

interface Listed {
  readonly branch: string;
  readonly id: string;
  readonly modified: number;
}

function planned(label: string, count: number): readonly Side[] {
  return count === 0 ? [] : [equationSide(label, count, "plan")];
}
