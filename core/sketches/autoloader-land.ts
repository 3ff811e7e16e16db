import type { ReadContext } from "../src/job/context.ts";
import { defineJob, definePhase } from "../src/job/define-job.ts";
import { text, whole } from "../src/job/inputs.ts";
import type { Json } from "../src/job/json.ts";
import "./connections.ts";

const inputs = {
  table: text({ help: "The table of readings", default: "sensor_data" }),
  prefix: text({ help: "Where files land", required: true }),
  target: text({ help: "The Delta table that Auto Loader fills", required: true }),
  rowsPerFile: whole({ help: "Rows of a file", default: "10000", advanced: true }),
} as const;
type Inputs = typeof inputs;
type Needs = { readonly source: "sqlite"; readonly landing: "s3"; readonly workspace: "databricks" };
/** One bounded window: rows after the last that landed, up to the last there was when it began. */
type Window = { readonly after: number; readonly to: number };
type State = Window & { readonly landed: Set<string> };

/** What continuous work needs, and a job does not have yet. See README.md. */
export interface Continuous<W extends Json> {
  windows(c: ReadContext<Inputs, Needs, undefined>): AsyncIterable<W>;
}

const land = definePhase<Window, { key: string }, Inputs, Needs, State>({
  name: "land",
  title: "Landing files",
  async *plan(c) {
    for (let after = c.state.after; after < c.state.to; after += c.inputs.rowsPerFile) {
      const to = Math.min(after + c.inputs.rowsPerFile, c.state.to);
      yield {
        id: `${after}-${to}`,
        title: `rows ${after} to ${to}`,
        fingerprint: "",
        cursor: String(to),
        cost: { calls: 1, items: to - after, bytes: 0 },
        data: { after, to },
      };
    }
  },
  async run({ data: { after, to } }, c) {
    const key = `${c.inputs.prefix}/${String(after).padStart(12, "0")}.json`;
    const { bytes } = await c.connections.landing.put(
      key,
      lines(c.connections.source.rows(c.inputs.table, after, to)),
    );
    return { items: to - after, bytes, staged: { key } };
  },
});

declare function lines(rows: AsyncIterable<Record<string, unknown>>): AsyncIterable<Uint8Array>;
declare function lastLanded(keys: AsyncIterable<{ readonly key: string }>): Promise<number>;

export const continuous: Continuous<Window> = {
  async *windows(c) {
    let after = await lastLanded(c.connections.landing.list(c.inputs.prefix));
    while (!c.signal.aborted) {
      const to = await c.connections.source.lastRow(c.inputs.table);
      if (to > after) yield { after, to };
      after = to;
    }
  },
};

export const autoloaderLand = defineJob({
  id: "autoloader-land",
  summary: "Land readings as JSON files for Auto Loader",
  description: "Writes what is new as files, and waits until the table has it.",
  effect: "writes",
  inputs,
  needs: { source: "sqlite", landing: "s3", workspace: "databricks" },
  outputs: { rows: "rows that landed" },
  examples: [],
  prepare: async (c: ReadContext<Inputs, Needs, undefined>): Promise<State> => ({
    after: await lastLanded(c.connections.landing.list(c.inputs.prefix)),
    to: await c.connections.source.lastRow(c.inputs.table),
    landed: new Set(),
  }),
  lease: (c) => ({ key: c.inputs.prefix, store: c.connections.landing.leases }),
  phases: [land],
  async reconcile(c) {
    return [
      {
        name: "rows",
        left: {
          label: "rows of the table",
          count: BigInt(await c.connections.source.lastRow(c.inputs.table)),
          by: "source",
        },
        right: [
          {
            label: "rows of the Delta table",
            count: await c.connections.workspace.sql.count(`SELECT … ${c.inputs.target}`),
            by: "destination",
          },
        ],
      },
    ];
  },
});
