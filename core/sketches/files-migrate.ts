import type { ReadContext } from "../src/job/context.ts";
import { defineJob, definePhase } from "../src/job/define-job.ts";
import { equationSide } from "../src/job/equation.ts";
import type { Rejection } from "../src/job/events.ts";
import { percent, text, whole } from "../src/job/inputs.ts";
import "./connections.ts";

const inputs = {
  table: text({ help: "The table", default: "FileUpload" }),
  volume: text({ help: "The volume", default: "main.project_files.storage" }),
  threshold: whole({ help: "Smallest file that is moved, in bytes", default: "100000" }),
  percent: percent({ help: "The share of the files, by a stable hash of the id", default: "100%" }),
  batchSize: whole({ help: "Rows of a step", default: "100", advanced: true }),
} as const;
type Inputs = typeof inputs;
type Needs = { readonly source: "postgres"; readonly destination: "databricks" };
type State = { readonly eligible: bigint; readonly failed: Set<string> };
/** A type, not an interface: an interface has no index signature, and so is no Json. */
type Range = { readonly after: string; readonly to: string };
type Moved = readonly { readonly id: string; readonly path: string; readonly sha256: string }[];

const move = definePhase<Range, Moved, Inputs, Needs, State>({
  name: "move",
  title: "Copying files, and reading them back",
  journaled: true,
  group: () => ({ items: 500, seconds: 30 }),
  async *plan(c, from) {
    const { table, batchSize, threshold } = c.inputs;
    let after = from ?? "";
    for await (const range of c.connections.source.ranges({
      table,
      size: batchSize,
      minBytes: threshold,
      after: from,
    })) {
      yield {
        id: range.to,
        title: `rows to ${range.to}`,
        fingerprint: "",
        cursor: range.to,
        cost: { calls: range.rows * 2, items: range.rows, bytes: range.bytes },
        data: { after, to: range.to },
      };
      after = range.to;
    }
  },
  async run({ data }, c) {
    const { source, destination } = c.connections;
    const staged: { id: string; path: string; sha256: string }[] = [];
    const rejected: Rejection[] = [];
    let bytes = 0;
    for await (const file of source.claim({ table: c.inputs.table, ...data })) {
      const sent = await destination.files.upload(file.path, file.content());
      const back = await destination.files.sha256(file.path);
      bytes += sent.bytes;
      if (back === sent.sha256) staged.push({ id: file.id, path: file.path, sha256: back });
      else rejected.push({ item: file.id, code: "corrupt", message: "read back differs" });
    }
    return { items: staged.length, bytes, rejected, staged };
  },
  async seal(group, c) {
    await c.connections.source.point(group.flatMap(({ staged }) => staged));
    return group.map(({ step, staged }) => ({
      step: step.id,
      outcome: "written",
      items: staged.length,
      bytes: 0,
    }));
  },
});

export const filesMigrate = defineJob({
  id: "files-migrate",
  summary: "Copy files out of Postgres into a volume",
  description: "Copies, reads back, compares, and then switches the pointer.",
  effect: "writes",
  inputs,
  needs: { source: "postgres", destination: "databricks" },
  outputs: { files: "files of the table that are in the volume" },
  examples: [],
  prepare: async (c: ReadContext<Inputs, Needs, undefined>): Promise<State> => ({
    eligible: await c.connections.source.count("select count(*) …"),
    failed: new Set(),
  }),
  // Any number of runners share it: the key cannot say so. See README.md.
  lease: (c) => ({ key: c.inputs.table, store: c.connections.source.leases }),
  phases: [move],
  async reconcile(c) {
    const { source, destination } = c.connections;
    let there = 0;
    for await (const _ of destination.files.list(c.inputs.volume)) there += 1;
    return [
      {
        name: "files",
        left: { label: "rows with a pointer", count: await source.count("select count(*) …"), by: "source" },
        right: [equationSide("files in the volume", there, "destination")],
      },
    ];
  },
});
