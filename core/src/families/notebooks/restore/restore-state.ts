import type { WorkspaceObject } from "../../../connectors/databricks/port.ts";
import type { ReadContext, WriteContext } from "../../../job/context.ts";
import { asLakeferryError } from "../../../job/errors.ts";
import { count } from "../../../job/quantities.ts";
import { normalFolder, normalRoot } from "../backup/backup-state.ts";
import { createExporter, type Exporter } from "../export/exporter.ts";
import { selection } from "../globs.ts";
import type { restoreInputs } from "../inputs.ts";
import { folderOf, type ManifestEntry } from "../manifest/manifest-bucket.ts";
import { openBackup } from "../manifest/read-backup.ts";
import type { BackupFormat } from "../names/repository-names.ts";
import { absolute } from "../scan-workspace.ts";
import { exportAndCompare } from "./restored.ts";

export type RestoreNeeds = { readonly backup: "git"; readonly destination: "databricks" };
export type RestoreWrite = WriteContext<typeof restoreInputs, RestoreNeeds, RestoreState>;

/** An entry of the backup and the absolute workspace path it goes to. */
export interface Restored {
  readonly entry: ManifestEntry;
  readonly target: string;
  /** Something else is there and is replaced. */
  readonly overwrite: boolean;
}

export interface RestoreState {
  readonly commit: string;
  readonly format: BackupFormat;
  /** Entries that the globs chose. */
  readonly chosen: number;
  readonly restore: readonly Restored[];
  /** The same, by the folder of the target. */
  readonly byFolder: ReadonlyMap<string, readonly Restored[]>;
  /** Targets that are there and equal, and targets that are there and are not touched. */
  readonly unchanged: readonly string[];
  readonly kept: readonly string[];
  readonly exporter: Exporter;
  /** Filled by the run: targets that were read back equal, and targets that could not be written. */
  readonly equal: Set<string>;
  readonly failed: Set<string>;
}

/** Reads the backup and what is at the targets, and decides what is written. Only exports are made, nothing is changed. */
export async function prepareRestore(
  c: ReadContext<typeof restoreInputs, RestoreNeeds, undefined>,
): Promise<RestoreState> {
  const { inputs, connections } = c;
  const { commit, description, manifest } = await openBackup(
    connections.backup,
    inputs.ref ?? inputs.branch,
    normalFolder(inputs.folder),
  );
  const root = inputs.target === undefined ? description.root : normalRoot(inputs.target);
  const selected = selection(inputs.include, inputs.exclude, description.root);
  const chosen: { entry: ManifestEntry; target: string }[] = [];
  for (const entry of manifest.entries()) {
    if (entry.deleted !== undefined && !inputs.deleted) continue;
    if (selected(absolute(description.root, entry.path)))
      chosen.push({ entry, target: absolute(root, entry.path) });
  }
  chosen.sort((a, b) => (a.target < b.target ? -1 : 1));
  const exporter = createExporter({
    workspace: connections.destination.workspace,
    root: "/",
    format: description.format,
    concurrency: inputs.concurrency,
    warn: (text, item) => c.say({ type: "warning", text, item }),
  });
  const present = await listTargets(
    c,
    new Set(chosen.map(({ target }) => folderOf(target) || "/")),
    exporter.limit,
  );
  const there = chosen.filter(({ target }) => present.has(target));
  // Equal ones need no writing, and `never` says of the others that they differ: so what is there is compared, unless all of it is replaced anyway.
  const equal =
    inputs.overwrite === "always" ? new Set<string>() : await compareThere(c, exporter, there, present);
  const restore: Restored[] = [];
  const unchanged: string[] = [];
  const kept: string[] = [];
  for (const { entry, target } of chosen) {
    if (!present.has(target)) restore.push({ entry, target, overwrite: false });
    else if (equal.has(target)) unchanged.push(target);
    else if (inputs.overwrite === "never") kept.push(target);
    else restore.push({ entry, target, overwrite: true });
  }
  for (const target of kept)
    c.say({
      type: "finding",
      kind: "kept",
      item: target,
      detail: "is there and differs from the backup; it is not touched",
    });
  for (const { target, overwrite } of restore)
    if (overwrite)
      c.say({
        type: "finding",
        kind: "replaced",
        item: target,
        detail: "is there and is replaced by the backup's",
      });
  return {
    commit,
    format: description.format,
    chosen: chosen.length,
    restore,
    byFolder: Map.groupBy(restore, ({ target }) => folderOf(target)),
    unchanged,
    kept,
    exporter,
    equal: new Set(),
    failed: new Set(),
  };
}

type Limit = <T>(work: () => Promise<T>) => Promise<T>;

async function listTargets(
  c: ReadContext<typeof restoreInputs, RestoreNeeds, undefined>,
  folders: ReadonlySet<string>,
  limit: Limit,
): Promise<ReadonlyMap<string, WorkspaceObject>> {
  const present = new Map<string, WorkspaceObject>();
  let done = 0;
  const list = async (folder: string) => {
    try {
      for (const object of await c.connections.destination.workspace.list(folder))
        present.set(object.path, object);
    } catch (thrown) {
      if (asLakeferryError(thrown).code !== "not-found") throw thrown;
    }
    if (++done % 50 === 0)
      c.say({
        type: "progress",
        phase: "prepare",
        text: `${count(done)} of ${count(folders.size)} folders looked at`,
      });
  };
  await Promise.all([...folders].map((folder) => limit(() => list(folder))));
  return present;
}

async function compareThere(
  c: ReadContext<typeof restoreInputs, RestoreNeeds, undefined>,
  exporter: Exporter,
  there: readonly { entry: ManifestEntry; target: string }[],
  present: ReadonlyMap<string, WorkspaceObject>,
): Promise<Set<string>> {
  const equal = new Set<string>();
  const same = there.filter(
    ({ entry, target }) =>
      present.get(target)!.type === entry.type &&
      (present.get(target)!.language ?? undefined) === entry.language,
  );
  // Several folders at once; how many requests that comes to is for the exporter's limit to say.
  const folders = Map.groupBy(same, ({ target }) => folderOf(target)).entries();
  const compare = async () => {
    for (const [folder, items] of folders) {
      c.signal.throwIfAborted();
      for (const target of (await exportAndCompare(exporter, folder, items)).equal) equal.add(target);
      c.say({
        type: "progress",
        phase: "prepare",
        text: `${count(equal.size)} of ${count(there.length)} objects that are there compared as equal`,
      });
    }
  };
  await Promise.all(Array.from({ length: c.inputs.concurrency }, compare));
  return equal;
}
