import type { ReadContext } from "../src/job/context.ts";
import { defineJob, definePhase } from "../src/job/define-job.ts";
import type { Equation } from "../src/job/equation.ts";
import { choice, duration, list, text, whole } from "../src/job/inputs.ts";
import "./connections.ts";

const inputs = {
  data: text({ help: "Where local datasets are", default: "./data" }),
  datasets: list({ help: "Only these" }),
  schema: choice(["evolve", "freeze"], { help: "What a new column does", default: "evolve" }),
  concurrency: whole({ help: "Datasets at once", default: "4", advanced: true }),
  stallTimeout: duration({ help: "How long without progress", default: "15m", advanced: true }),
} as const;
type Inputs = typeof inputs;
type Needs = { readonly destination: "databricks" };

interface Dataset {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly rows: bigint;
}
type State = { readonly datasets: ReadonlyMap<string, Dataset> };
type Named = { readonly dataset: string };

/** The stages are phases: a barrier between them, and each asks the destination what is there already. */
const stage = (name: string, title: string, statement: (dataset: Dataset) => string) =>
  definePhase<Named, null, Inputs, Needs, State>({
    name,
    title,
    inFlight: (c) => c.inputs.concurrency,
    async *plan(c) {
      for (const dataset of c.state.datasets.values())
        yield {
          id: dataset.name,
          title: dataset.name,
          fingerprint: dataset.sha256,
          cursor: dataset.name,
          cost: { calls: 1, items: Number(dataset.rows), bytes: 0 },
          data: { dataset: dataset.name },
        };
    },
    async run({ data }, c) {
      const dataset = c.state.datasets.get(data.dataset)!;
      await c.connections.destination.sql.run(statement(dataset));
      return { items: Number(dataset.rows), bytes: 0, staged: null };
    },
  });

/** Many small files go in by one statement: a step is a file, a group is one COPY INTO. */
const bronze = definePhase<Named, { path: string }, Inputs, Needs, State>({
  name: "bronze",
  title: "Loading bronze tables",
  group: () => ({ items: 1000 }),
  plan: stage("bronze", "", () => "").plan,
  async run({ data }, c) {
    const path = `/Volumes/…/${data.dataset}.parquet`;
    const { bytes } = await c.connections.destination.files.upload(
      path,
      bytesOf(c.state.datasets.get(data.dataset)!.file),
    );
    return { items: 1, bytes, staged: { path } };
  },
  async seal(group, c) {
    await c.connections.destination.sql.run(
      `COPY INTO … FILES = (${group.map(({ staged }) => staged.path).join()})`,
    );
    return group.map(({ step }) => ({ step: step.id, outcome: "written", items: 1, bytes: 0 }));
  },
});

declare function bytesOf(file: string): AsyncIterable<Uint8Array>;
declare function localDatasets(folder: string, only: readonly string[]): Promise<State["datasets"]>;

export const datasetsSync = defineJob({
  id: "datasets-sync",
  summary: "Bring local datasets to bronze, silver and gold tables",
  description: "Uploads, loads, cleans and builds.",
  effect: "writes",
  inputs,
  needs: { destination: "databricks" },
  outputs: { synced: "datasets" },
  examples: [],
  // The section `datasets:` of lakeferry.yml is what this needs, and does not get. See README.md.
  prepare: async (c: ReadContext<Inputs, Needs, undefined>): Promise<State> => ({
    datasets: await localDatasets(c.inputs.data, c.inputs.datasets),
  }),
  lease: (c) => ({ key: "tenant", store: c.connections.destination.leases }),
  phases: [
    bronze,
    stage("silver", "Cleaning", () => "MERGE INTO …"),
    stage("gold", "Building gold tables", () => "CREATE OR REPLACE VIEW …"),
  ],
  reconcile: (c) =>
    Promise.all(
      [...c.state.datasets.values()].map(
        async ({ name, rows }): Promise<Equation> => ({
          name,
          left: { label: "rows of the file", count: rows, by: "source" },
          right: [
            {
              label: "rows of bronze",
              count: await c.connections.destination.sql.count(`SELECT … ${name}`),
              by: "destination",
            },
          ],
        }),
      ),
    ),
});
