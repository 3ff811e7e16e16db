import { createHash } from "node:crypto";
import type { ReadContext } from "../../job/context.ts";
import { defineJob, definePhase } from "../../job/define-job.ts";
import { equationSide } from "../../job/equation.ts";
import { errorFacts } from "../../job/events.ts";
import { count } from "../../job/quantities.ts";
import { normalFolder } from "./backup/backup-state.ts";
import { below } from "./backup/compare.ts";
import { type ExportObject, exportFolder } from "./export/export-folder.ts";
import { createExporter, type Exporter } from "./export/exporter.ts";
import { selection } from "./globs.ts";
import { verifyInputs } from "./inputs.ts";
import { folderOf, type ManifestEntry } from "./manifest/manifest-bucket.ts";
import { openBackup } from "./manifest/read-backup.ts";
import { sampled } from "./sample.ts";
import { absolute, scanWorkspace } from "./scan-workspace.ts";

type Inputs = typeof verifyInputs;
type VerifyNeeds = { readonly source: "databricks"; readonly backup: "git" };

interface VerifyState {
  readonly root: string;
  readonly commit: string;
  readonly exporter: Exporter;
  /** Entries to compare, by folder. */
  readonly folders: ReadonlyMap<string, readonly ManifestEntry[]>;
  readonly checked: number;
  /** Objects of the workspace that the backup does not have, counted from the listing. */
  readonly extra: readonly string[];
  /** Entries whose object the workspace does not have. */
  readonly missing: readonly string[];
  /** Paths that were found equal, filled by the run. */
  readonly equal: Set<string>;
}

type VerifyData = {
  readonly folder: string;
  readonly way: "archive" | "single";
  readonly objects: readonly {
    readonly path: string;
    readonly type: string;
    readonly language?: "PYTHON" | "SQL" | "SCALA" | "R";
  }[];
};

async function prepare(c: ReadContext<Inputs, VerifyNeeds, undefined>): Promise<VerifyState> {
  const { inputs, connections } = c;
  const { commit, description, manifest, tree } = await openBackup(
    connections.backup,
    inputs.ref ?? inputs.branch,
    normalFolder(inputs.folder),
  );
  const backedUp = selection(description.include, description.exclude, description.root);
  const chosen = selection(inputs.include, inputs.exclude, description.root);
  const scan = await scanWorkspace(connections.source.workspace, {
    root: description.root,
    format: description.format,
    selected: (path) => backedUp(path) && chosen(path),
    mayContain: (path) => backedUp.mayContain(path) && chosen.mayContain(path),
    concurrency: inputs.concurrency,
    signal: c.signal,
    progress: (folders, objects) =>
      c.say({
        type: "progress",
        phase: "prepare",
        text: `${count(folders)} folders, ${count(objects)} objects listed`,
      }),
  });
  const present = new Map(
    scan.folders.flatMap(({ objects }) => objects.map((object) => [object.path, object] as const)),
  );
  const folders = new Map<string, ManifestEntry[]>();
  const missing: string[] = [];
  const unreadable: string[] = [];
  let checked = 0;
  const unknown = below(scan.unreadable.map(({ path }) => path));
  for (const entry of manifest.entries()) {
    if (entry.deleted !== undefined || !chosen(absolute(description.root, entry.path))) continue;
    if (tree.get(entry.file) !== entry.blob) {
      checked += 1;
      c.say({
        type: "finding",
        kind: "damaged",
        item: entry.path,
        detail: "the backup's file is not what its manifest says",
      });
      continue;
    }
    if (!sampled(`${commit}:${entry.path}`, inputs.sample)) continue;
    checked += 1;
    const folder = folderOf(entry.path);
    if (unknown(folder)) unreadable.push(entry.path);
    else if (!present.has(entry.path)) missing.push(entry.path);
    else {
      const entries = folders.get(folder) ?? [];
      folders.set(folder, entries);
      entries.push(entry);
    }
  }
  for (const path of unreadable)
    c.say({
      type: "finding",
      kind: "unreadable",
      item: absolute(description.root, path),
      detail: "its folder may not be listed, so it could not be compared",
    });
  const extra = [...present.keys()].filter((path) => !manifest.has(path));
  for (const path of missing)
    c.say({
      type: "finding",
      kind: "missing",
      item: absolute(description.root, path),
      detail: "is in the backup and not in the workspace",
    });
  for (const path of extra)
    c.say({
      type: "finding",
      kind: "extra",
      item: absolute(description.root, path),
      detail: "is in the workspace and not in the backup",
    });
  const exporter = createExporter({
    workspace: connections.source.workspace,
    root: description.root,
    format: description.format,
    concurrency: inputs.concurrency,
    warn: (text, item) => c.say({ type: "warning", text, item }),
  });
  return { root: description.root, commit, exporter, folders, checked, extra, missing, equal: new Set() };
}

/** Exports again and compares the SHA-256 of what comes with the recorded one. */
const comparing = definePhase<VerifyData, null, Inputs, VerifyNeeds, VerifyState>({
  name: "compare",
  title: "Exporting again and comparing",
  inFlight: (c) => c.inputs.concurrency,
  async *plan({ state, inputs }) {
    for (const [folder, entries] of state.folders) {
      const objects = entries.map(({ path, type, language }) => ({
        path,
        type,
        ...(language ? { language: language as "PYTHON" } : {}),
      }));
      // A sample is exported one by one: that asks the workspace itself, not the archives that a backup was made of.
      const archives = state.exporter.format === "SOURCE" && inputs.sample >= 1;
      const way = archives && objects.length >= 3 ? "archive" : "single";
      const bytes = entries.reduce((sum, { size }) => sum + size, 0);
      yield {
        id: folder || "/",
        title: folder,
        fingerprint: "",
        cursor: folder,
        cost: { calls: way === "archive" ? 1 : objects.length, items: objects.length, bytes },
        data: { folder, way, objects },
      };
    }
  },
  async run({ data: { folder, way, objects } }, c) {
    const { state } = c;
    const entries = new Map((state.folders.get(folder) ?? []).map((entry) => [entry.path, entry]));
    let bytes = 0;
    const differs = (path: string, detail: string) =>
      c.say({ type: "finding", kind: "differs", item: absolute(state.root, path), detail });
    const { rejected, gone } = await exportFolder<ExportObject>(
      state.exporter,
      folder,
      objects,
      way,
      async ({ object, bytes: content }) => {
        bytes += content.length;
        if (createHash("sha256").update(content).digest("hex") === entries.get(object.path)!.sha256)
          state.equal.add(object.path);
        else differs(object.path, "its content is not that of the backup");
      },
    );
    for (const path of gone) differs(path, "was deleted while it was compared");
    return {
      items: objects.length - rejected.length,
      bytes,
      rejected: rejected.map(({ path, error }) => ({
        item: absolute(state.root, path),
        ...errorFacts(error),
      })),
      staged: null,
    };
  },
});

/** `notebooks-verify`. */
export const verify = defineJob({
  id: "notebooks-verify",
  summary: "Compare a backup with the workspace",
  description:
    "Exports the workspace's objects again, all or a sample, and compares them with the backup byte for byte. Names what differs, what is missing and what is extra; any of them fails the run.",
  effect: "reads",
  inputs: verifyInputs,
  needs: { source: "databricks", backup: "git" },
  outputs: {
    commit: "the commit that was verified",
    checked: "entries compared",
    equal: "entries that are equal",
    differing: "entries that differ",
    missing: "entries whose object is gone",
    extra: "objects that the backup does not have",
  },
  examples: [
    { title: "Everything", with: { source: "workspace", backup: "backup" } },
    {
      title: "A twentieth, at a tag",
      with: { source: "workspace", backup: "backup", ref: "backup/2026-11-20", sample: "5%" },
    },
  ],
  unbalanced: {
    message: "The backup and the workspace are not the same.",
    hint: "The report names what differs. A backup takes over what the workspace has now; a restore brings back what the backup has.",
  },
  prepare,
  phases: [comparing],
  async reconcile({ state }) {
    return [
      {
        name: "contents",
        left: equationSide("entries compared", state.checked, "destination"),
        right: [equationSide("equal in the workspace", state.equal.size, "source")],
      },
      {
        name: "extra",
        left: equationSide("objects that the backup does not have", state.extra.length, "source"),
        right: [equationSide("expected", 0, "plan")],
        differences: state.extra.slice(0, 100),
      },
    ];
  },
  result: ({ state }) => ({
    commit: state.commit,
    checked: state.checked,
    equal: state.equal.size,
    differing: state.checked - state.equal.size - state.missing.length,
    missing: state.missing.length,
    extra: state.extra.length,
  }),
});
