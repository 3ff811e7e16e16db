import { type Equation, equationSide, type Side } from "../../job/equation.ts";
import { type BackupRead, isMine } from "./backup-state.ts";
import { branchOf } from "./partitioning.ts";
import { type ReadBackup, readBackup } from "./read-backup.ts";

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
  const unknown = (folder: string) =>
    state.scan.unreadable.some(({ path }) => folder === path || folder.startsWith(`${path}/`));
  let inManifest = 0;
  let entries = 0;
  let inTree = 0;
  const wrong: string[] = [];
  for (const { manifest, tree } of backups.values()) {
    for (const { path, file, blob, folder } of manifest.living()) {
      entries += 1;
      if (tree.get(file) === blob) inTree += 1;
      else wrong.push(path);
      if (isMine(folder, inputs) && !unknown(folder) && !excepted(path)) inManifest += 1;
    }
  }
  const listed = state.scan.folders.flatMap(({ path, objects }) =>
    objects.map((object) => ({ object, branch: branchOf(path, inputs) })),
  );
  const missing = listed.filter(
    ({ object, branch }) => !excepted(object.path) && backups.get(branch)?.manifest.has(object.path) !== true,
  );
  return [
    {
      name: "objects",
      left: equationSide(
        "listed by the workspace",
        listed.length + state.scan.excluded + state.scan.unsupported.length,
        "source",
      ),
      right: [
        equationSide("in the manifest at the remote", inManifest, "destination"),
        ...planned("excluded", state.scan.excluded),
        ...planned("not exportable", state.scan.unsupported.length),
        ...planned("failed", state.failed.size),
        ...planned("deleted during the run", state.vanished.size),
      ],
      differences: missing.slice(0, MOST_NAMED).map(({ object }) => object.path),
    },
    {
      name: "contents",
      left: equationSide("entries of the manifest at the remote", entries, "destination"),
      right: [equationSide("files there with the recorded blob", inTree, "destination")],
      differences: wrong.slice(0, MOST_NAMED),
    },
  ];
}

function planned(label: string, count: number): readonly Side[] {
  return count === 0 ? [] : [equationSide(label, count, "plan")];
}
