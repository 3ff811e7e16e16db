import type { Language } from "../../connectors/databricks/port.ts";
import { defineJob, definePhase } from "../../job/define-job.ts";
import { equationSide } from "../../job/equation.ts";
import { bytes as bytesText, count, timeSpan } from "../../job/quantities.ts";
import { restoreInputs } from "./inputs.ts";
import { importObjects } from "./restore/import-object.ts";
import { prepareRestore, type RestoreNeeds, type RestoreState } from "./restore/restore-state.ts";
import { compareRestored } from "./restore/restored.ts";

type Inputs = typeof restoreInputs;

/** Imports per second that a workspace allows (secondary sources). */
const IMPORTS_PER_SECOND = 30;
const OBJECTS_OF_A_STEP = 50;

type RestoreItem = {
  readonly path: string;
  readonly target: string;
  readonly file: string;
  readonly blob: string;
  readonly type: string;
  readonly language?: Language;
  readonly format: string;
  readonly size: number;
  readonly overwrite: boolean;
};
type RestoreData = { readonly folder: string; readonly items: readonly RestoreItem[] };

/**
 * Imports objects, a folder's together. An import is durable when it is answered, so there is nothing to seal; what is
 * there already is asked of the workspace when a restore begins, so that no journal is needed to go on.
 */
const importing = definePhase<RestoreData, null, Inputs, RestoreNeeds, RestoreState>({
  name: "import",
  title: "Restoring to the workspace",
  inFlight: () => 4,
  async *plan({ state }) {
    for (const [folder, items] of state.byFolder) {
      for (let at = 0; at < items.length; at += OBJECTS_OF_A_STEP) {
        const some = items.slice(at, at + OBJECTS_OF_A_STEP).map(
          ({
            entry: { path, file, blob, type, language, format, size },
            target,
            overwrite,
          }): RestoreItem => ({
            path,
            target,
            file,
            blob,
            type,
            format,
            size,
            overwrite,
            ...(language ? { language: language as Language } : {}),
          }),
        );
        yield {
          id: `${folder}#${at}`,
          title: folder || "/",
          fingerprint: some.map(({ target, blob, overwrite }) => `${target} ${blob} ${overwrite}`).join("\n"),
          cursor: "",
          cost: {
            calls: some.length + 1,
            items: some.length,
            bytes: some.reduce((sum, { size }) => sum + size, 0),
          },
          data: { folder, items: some },
        };
      }
    }
  },
  async run({ data: { folder, items } }, c) {
    const { workspace } = c.connections.destination;
    if (folder !== "" && folder !== "/") await workspace.mkdirs(folder);
    return importObjects(c, items);
  },
  failed: ({ data: { items } }, _error, { state }) => {
    for (const { target } of items) state.failed.add(target);
  },
});

/** Exports what was restored and compares it with the backup. */
const checking = definePhase<{ folder: string }, null, Inputs, RestoreNeeds, RestoreState>({
  name: "check",
  title: "Reading back what was restored",
  inFlight: (c) => c.inputs.concurrency,
  async *plan({ state }) {
    for (const [folder, items] of state.byFolder) {
      yield {
        id: folder || "/",
        title: folder,
        fingerprint: "",
        cursor: "",
        cost: { calls: 1, items: items.length, bytes: items.reduce((sum, { entry }) => sum + entry.size, 0) },
        data: { folder },
      };
    }
  },
  run: ({ data: { folder } }, c) => compareRestored(c, folder),
  failed: ({ data: { folder } }, _error, { state }) => {
    for (const { target } of state.byFolder.get(folder) ?? [])
      if (!state.equal.has(target)) state.failed.add(target);
  },
});

/** `notebooks-restore`. */
export const restore = defineJob({
  id: "notebooks-restore",
  summary: "Restore notebooks from a backup to a workspace",
  description:
    "Writes objects of a backup, at a branch, tag or commit, back to a workspace, in their languages and formats, and reads each back. By default nothing that is there already is touched.",
  effect: "writes",
  inputs: restoreInputs,
  needs: { backup: "git", destination: "databricks" },
  outputs: {
    commit: "the commit that was restored from",
    restored: "objects written",
    kept: "objects that were there and were not touched",
    unchanged: "objects that were there and are equal",
    failed: "objects that could not be restored",
  },
  examples: [
    {
      title: "One engagement, as it was on a day",
      with: {
        backup: "backup",
        destination: "workspace",
        ref: "backup/2026-11-20",
        include: "/Clients/2024/ENG-101/**",
      },
    },
    {
      title: "Everything, into a folder of its own",
      with: { backup: "backup", destination: "workspace", target: "/Restored" },
    },
    {
      title: "What would be overwritten?",
      with: { backup: "backup", destination: "workspace", overwrite: "changed", "dry-run": "true" },
    },
  ],
  prepare: prepareRestore,
  async forecast({ state }) {
    const size = state.restore.reduce((sum, { entry }) => sum + entry.size, 0);
    const over = state.restore.filter(({ overwrite }) => overwrite).length;
    return {
      facts: [
        { label: "chosen", value: `${count(state.chosen)} objects of ${state.commit.slice(0, 10)}` },
        {
          label: "to write",
          value: `${count(state.restore.length - over)} new${over > 0 ? `, ${count(over)} replaced` : ""}, ${bytesText(size)}`,
        },
        {
          label: "left alone",
          value: `${count(state.unchanged.length)} equal, ${count(state.kept.length)} different`,
        },
        {
          label: "least time",
          value: `${timeSpan(state.restore.length / IMPORTS_PER_SECOND)} at ${IMPORTS_PER_SECOND} imports a second`,
        },
      ],
      warnings:
        state.kept.length > 0
          ? [
              `${count(state.kept.length)} objects are there already and differ or were not compared; --overwrite changed replaces those that differ.`,
            ]
          : [],
    };
  },
  phases: [importing, checking],
  async reconcile({ state }) {
    const plan = (label: string, n: number) => (n === 0 ? [] : [equationSide(label, n, "plan")]);
    return [
      {
        name: "objects",
        left: equationSide("chosen from the backup", state.chosen, "source"),
        right: [
          equationSide("equal in the workspace", state.equal.size + state.unchanged.length, "destination"),
          ...plan("there before, not touched", state.kept.length),
          ...plan("failed", state.failed.size),
        ],
        differences: state.restore
          .filter(({ target }) => !state.equal.has(target) && !state.failed.has(target))
          .slice(0, 100)
          .map(({ target }) => target),
      },
    ];
  },
  result: ({ state }) => ({
    commit: state.commit,
    restored: state.equal.size,
    kept: state.kept.length,
    unchanged: state.unchanged.length,
    failed: state.failed.size,
  }),
});
