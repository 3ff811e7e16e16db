import { defineJob, definePhase } from "../../job/define-job.ts";
import type { LakeferryError } from "../../job/errors.ts";
import { errorFacts } from "../../job/events.ts";
import type { Receipt, Step } from "../../job/phase.ts";
import {
  type BackupNeeds,
  type BackupRead,
  type BackupState,
  type BackupWrite,
  prepareBackup,
} from "./backup/backup-state.ts";
import type { FolderChanges } from "./backup/compare.ts";
import { cheapestWay, type ExportData, exportStep, runExport } from "./backup/export-step.ts";
import { forecastBackup } from "./backup/forecast-backup.ts";
import { leaseKey } from "./backup/lease-key.ts";
import { publish, retractTags, sweepAbandoned } from "./backup/publish.ts";
import { reconcileBackup } from "./backup/reconcile-backup.ts";
import { isRemoval, type RemovalData, removalSteps, runRemoval } from "./backup/removal-step.ts";
import { type GroupChanges, type StagedChanges, writeGroup } from "./backup/write-group.ts";
import { backupInputs } from "./inputs.ts";
import { absolute } from "./scan-workspace.ts";

type Inputs = typeof backupInputs;

/**
 * A group is pushed when it holds this many commits or bytes, or is this old: what a crash costs at most. Every push walks
 * the tree it stands on, so that many small ones cost more than the notebooks in them.
 */
const COMMITS_OF_A_PUSH = 20;
const groupLimits = (c: BackupRead) => ({
  items: COMMITS_OF_A_PUSH * c.inputs.commitSize,
  bytes: 256_000_000,
  seconds: 15,
});

/**
 * Takes out what is gone and exports what changed, folder by folder, and pushes a working branch as it grows. Removals come
 * first: a name that becomes free may be that of a new object.
 */
const exporting = definePhase<ExportData | RemovalData, StagedChanges, Inputs, BackupNeeds, BackupState>({
  name: "export",
  title: "Exporting what changed",
  group: groupLimits,
  inFlight: (c) => c.inputs.concurrency,
  async *plan({ state, inputs }) {
    for (const [branch, { comparison }] of state.parts) yield* removalSteps(branch, comparison.gone);
    for (const [branch, { comparison }] of state.parts) {
      for (const changes of comparison.folders)
        yield exportStep(state, branch, changes, cheapestWay(changes, inputs));
    }
  },
  run: (step, c) => (isRemoval(step) ? runRemoval(step, c) : runExport(step as Step<ExportData>, c)),
  failed: noteFailed,
  seal: sealChanges,
});

/** Only when a late sample showed that archives are not what single exports are: does again, one by one, what archives gave. */
const recheck = definePhase<ExportData, StagedChanges, Inputs, BackupNeeds, BackupState>({
  name: "recheck",
  title: "Exporting again one by one",
  group: groupLimits,
  inFlight: (c) => c.inputs.concurrency,
  async *plan(c) {
    if (c.state.exporter.trust.broken === undefined) return;
    for (const [branch, { comparison }] of c.state.parts) {
      for (const changes of comparison.folders) {
        const doubtful = c.state.fromArchives.get(changes.path);
        const exports = changes.exports.filter(({ path }) => doubtful?.has(path));
        if (exports.length > 0)
          yield exportStep(
            c.state,
            branch,
            { ...changes, exports, moves: [], before: [] } satisfies FolderChanges,
            "single",
          );
      }
    }
  },
  run: runExport,
  failed: noteFailed,
  seal: sealChanges,
});

/** A folder that failed as a whole: its objects are failed ones. What could not be taken out is told by the equations. */
function noteFailed(step: Step, _error: LakeferryError, { state }: BackupRead): void {
  if (isRemoval(step)) return;
  const { objects, moves } = step.data as ExportData;
  for (const { path } of [...objects, ...moves.map(({ object }) => object)]) state.failed.add(path);
}

async function sealChanges(
  group: readonly { step: Step; staged: StagedChanges }[],
  c: BackupWrite,
): Promise<readonly Receipt[]> {
  const byBranch = Map.groupBy(group, ({ staged }) => staged.branch);
  const keep = c.inputs.deleted === "keep";
  const changes = [...byBranch].map(([branch, all]): [string, GroupChanges] => [
    branch,
    {
      put: all.flatMap(({ staged }) => staged.put),
      borrowed: all.flatMap(({ staged }) => staged.borrowed),
      remove: all.flatMap(({ staged }) => staged.remove),
      keep,
    },
  ]);
  await writeGroup(c, new Map(changes));
  return group.map(({ step, staged: { put, remove } }): Receipt => {
    const bytes = put.reduce((sum, { size }) => sum + size, 0);
    return {
      step: step.id,
      outcome: remove.length > 0 ? "deleted" : "written",
      items: put.length + remove.length,
      bytes,
    };
  });
}

/** Moves the target branches and sets the tag. */
const publishing = definePhase<null, null, Inputs, BackupNeeds, BackupState>({
  name: "publish",
  title: "Moving the branch and setting the tag",
  async *plan(c) {
    yield {
      id: "publish",
      title: c.inputs.branch,
      fingerprint: c.run.id,
      cursor: "",
      cost: { calls: 0, items: 0, bytes: 0 },
      data: null,
    };
  },
  /** Folders that may not be listed are objects that nobody backed up: the run names them as failed. */
  run: async (_step, { state }) => ({
    items: 0,
    bytes: 0,
    rejected: state.scan.unreadable.map(({ path, error }) => ({
      item: absolute(state.root, path),
      ...errorFacts(error),
    })),
    staged: null,
  }),
  async seal(_group, c) {
    await publish(c);
    await sweepAbandoned(c);
    return [];
  },
});

/** `notebooks-backup`. */
export const backup = defineJob({
  id: "notebooks-backup",
  summary: "Back up a Databricks workspace to a git repository",
  description:
    "Exports notebooks, workspace files and dashboards, only those that changed since the last backup, and pushes them to a branch and a tag. " +
    "Whole folders are exported in one request where that is cheaper. A run that was stopped is gone on with by the same command, on any machine. " +
    "In the end what the workspace listed is counted against what the remote has; a difference fails the run.",
  effect: "writes",
  inputs: backupInputs,
  needs: { source: "databricks", destination: "git" },
  outputs: {
    commit: "the commit of the target branch (of the first, when there are several)",
    tag: "the tag of this backup",
    objects: "objects that the workspace listed",
    exported: "objects that were exported",
    removed: "objects that are gone from the workspace",
    failed: "objects that could not be exported",
  },
  examples: [
    {
      title: "Back up /Clients every night",
      with: {
        source: "https://adb-1.2.azuredatabricks.net",
        destination: "https://github.com/acme/notebooks.git",
        path: "/Clients",
      },
    },
    { title: "What would be done?", with: { source: "workspace", destination: "backup", "dry-run": "true" } },
    { title: "One of eight runners", with: { source: "workspace", destination: "backup", shard: "2/8" } },
  ],
  prepare: prepareBackup,
  lease: (c) => ({ key: leaseKey(c.inputs), store: c.connections.destination.leases }),
  forecast: forecastBackup,
  phases: [exporting, recheck, publishing],
  reconcile: reconcileBackup,
  retract: retractTags,
  result: (c: BackupRead) => {
    const { state } = c;
    const parts = [...state.parts.values()];
    const sum = (of: (part: (typeof parts)[number]) => number) =>
      parts.reduce((total, part) => total + of(part), 0);
    return {
      ...(state.published.commits[0] ? { commit: state.published.commits[0] } : {}),
      ...(state.published.tags[0] ? { tag: state.published.tags[0] } : {}),
      objects: state.scan.selected,
      exported:
        sum(({ comparison }) => comparison.folders.reduce((n, { exports }) => n + exports.length, 0)) -
        state.failed.size -
        state.vanished.size,
      removed: sum(({ comparison }) => comparison.gone.length),
      failed: state.failed.size,
    };
  },
});
