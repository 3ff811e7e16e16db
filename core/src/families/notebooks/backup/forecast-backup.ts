import type { Forecast } from "../../../job/events.ts";
import { bytes, count, timeSpan } from "../../../job/quantities.ts";
import type { BackupRead, BackupState } from "./backup-state.ts";
import { cheapestWay } from "./export-step.ts";

/** Exports per second that a workspace allows (no published list; secondary sources agree on 60). */
const EXPORTS_PER_SECOND = 60;
const GUESSED_BYTES = 6_000;
/** How much smaller git keeps source text than it is: measured on generated and public notebooks. */
const PACKED = 0.35;
/** A manifest line that changed, packed: two hashes that do not deflate. */
const PACKED_LINE = 70;
const REPOSITORY_SOFT_LIMIT = 10e9;
const PUSH_LIMIT = 2e9;
const FOLDER_LIMIT = 3_000;

/** What a backup comes to before it is done: counts, requests, time, transfer, and what the repository grows to. */
export async function forecastBackup(c: BackupRead): Promise<Forecast> {
  const { state } = c;
  const plan = planOf(state, c.inputs);
  const seconds = plan.calls / EXPORTS_PER_SECOND;
  const size = plan.kept + plan.transfer;
  const growth =
    plan.exports > 0 && plan.known > 0
      ? plan.transfer * PACKED * 30 + plan.exports * PACKED_LINE * 30
      : undefined;
  const facts = [
    {
      label: "listed",
      value: `${count(state.scan.selected)} objects in ${count(state.scan.folders.length)} folders${state.scan.excluded > 0 ? `, ${count(state.scan.excluded)} more excluded` : ""}`,
    },
    { label: "unchanged", value: count(plan.unchanged) },
    {
      label: "to export",
      value: `${count(plan.exports)}, in ${count(plan.calls)} requests (${count(plan.archives)} of whole folders)`,
    },
    ...(plan.moves > 0 ? [{ label: "renamed", value: count(plan.moves) }] : []),
    ...(plan.gone > 0
      ? [{ label: c.inputs.deleted === "keep" ? "gone, kept" : "to remove", value: count(plan.gone) }]
      : []),
    { label: "transfer", value: `about ${bytes(plan.transfer)}` },
    { label: "least time", value: `${timeSpan(seconds)} at ${EXPORTS_PER_SECOND} exports a second` },
    {
      label: "repository",
      value: `about ${bytes(size * PACKED)} at its head${growth === undefined ? "" : `, ${bytes(growth)} more a month if every day is like this one`}`,
    },
  ];
  const totals = {
    export: {
      steps: 0,
      items: plan.exports + plan.moves + plan.gone,
      bytes: plan.transfer,
      calls: plan.calls,
    },
  };
  return { facts, totals, warnings: warnings(state, plan.transfer, size * PACKED + (growth ?? 0) * 12) };
}

interface Plan {
  exports: number;
  calls: number;
  archives: number;
  moves: number;
  gone: number;
  unchanged: number;
  /** Bytes to export. */
  transfer: number;
  /** Bytes that stay as they are. */
  kept: number;
  /** Entries that the backup has already. */
  known: number;
}

function planOf(state: BackupState, inputs: BackupRead["inputs"]): Plan {
  const plan: Plan = {
    exports: 0,
    calls: 0,
    archives: 0,
    moves: 0,
    gone: 0,
    unchanged: 0,
    transfer: 0,
    kept: 0,
    known: 0,
  };
  for (const { partition, comparison } of state.parts.values()) {
    plan.unchanged += comparison.unchanged;
    plan.gone += comparison.gone.length;
    plan.known += partition.manifest.size;
    plan.kept += partition.manifest.totals().bytes;
    for (const folder of comparison.folders) {
      const archive = cheapestWay(folder, inputs) === "archive";
      plan.exports += folder.exports.length;
      plan.moves += folder.moves.length;
      plan.archives += archive ? 1 : 0;
      plan.calls += archive ? 1 : folder.exports.length;
      for (const object of folder.exports) {
        const size = partition.manifest.get(object.path)?.size;
        plan.transfer += size ?? GUESSED_BYTES;
        plan.kept -= size ?? 0;
      }
    }
  }
  return plan;
}

function warnings(state: BackupState, transfer: number, inAYear: number): readonly string[] {
  const found: string[] = [];
  const full = state.scan.folders.filter(({ objects }) => objects.length > FOLDER_LIMIT);
  for (const { path, objects } of full)
    found.push(
      `${path} has ${count(objects.length)} objects; hosts show at most about ${count(FOLDER_LIMIT)} entries of a folder.`,
    );
  if (inAYear > REPOSITORY_SOFT_LIMIT * 0.8)
    found.push(
      `The repository may reach ${bytes(inAYear)} within a year; Azure DevOps advises at most 10 GB. Write a branch a year to a repository each (--shard-by year), or move old years away (--archive-before).`,
    );
  if (transfer * PACKED > PUSH_LIMIT)
    found.push(
      `About ${bytes(transfer * PACKED)} will be pushed; it goes in pushes of some thousand files, since hosts refuse more than 2 GB at once.`,
    );
  for (const { partition, comparison } of state.parts.values()) {
    const { objects } = partition.manifest.totals();
    const { before } = partition;
    if (comparison.gone.length > objects / 2 && objects > 10)
      found.push(
        `${count(comparison.gone.length)} of ${count(objects)} objects of ${partition.branch} are gone from the workspace or not selected any more.`,
      );
    const globs = (d: { include: readonly string[]; exclude: readonly string[] }) =>
      `${d.include}|${d.exclude}`;
    if (before && comparison.gone.length > 0 && globs(before) !== globs(state.description))
      found.push(
        `The globs are not those of the last backup of ${partition.branch}; what they leave out now is removed from it.`,
      );
  }
  return found;
}
