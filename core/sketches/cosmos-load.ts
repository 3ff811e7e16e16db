import type { ReadContext } from "../src/job/context.ts";
import { defineJob, definePhase } from "../src/job/define-job.ts";
import type { Rejection } from "../src/job/events.ts";
import { shard, text, whole } from "../src/job/inputs.ts";
import "./connections.ts";

const inputs = {
  table: text({ help: "The table of log records", required: true }),
  container: text({ help: "The container", required: true }),
  throughput: whole({ help: "Request units a second, for the time of the load", default: "100000" }),
  shard: shard({ help: "The part of this runner", most: 64 }),
} as const;
type Inputs = typeof inputs;
type Needs = { readonly source: "postgres"; readonly destination: "cosmos" };
type State = { readonly throughputBefore: number; readonly countBefore: bigint; readonly rows: bigint };
type Range = { readonly after: string; readonly to: string };

/** The runtime's streaming pump, which the types do not offer yet. See README.md. */
declare function pump<T>(
  from: AsyncIterable<T>,
  o: { batch: number; inFlight: number; signal: AbortSignal },
  send: (batch: readonly T[]) => Promise<void>,
): Promise<{ readonly items: number }>;

const raise = definePhase<null, null, Inputs, Needs, State>({
  name: "raise",
  title: "Raising throughput for the time of the load",
  async *plan() {
    yield {
      id: "raise",
      title: "throughput",
      fingerprint: "",
      cursor: "",
      cost: { calls: 2, items: 0, bytes: 0 },
      data: null,
    };
  },
  async run(_step, c) {
    const { container, throughput } = c.inputs;
    await c.connections.destination.record(container, { throughput: c.state.throughputBefore });
    await c.connections.destination.setThroughput(container, throughput);
    return { items: 0, bytes: 0, staged: null };
  },
});

/** A step is a range of a million records: they flow, and are never steps themselves. */
const load = definePhase<Range, null, Inputs, Needs, State>({
  name: "load",
  title: "Loading",
  journaled: true,
  inFlight: () => 4,
  async *plan(c, from) {
    let after = from ?? "";
    for await (const { to, rows, bytes } of c.connections.source.ranges({
      table: c.inputs.table,
      size: 1_000_000,
      minBytes: 0,
      after: from,
    })) {
      yield {
        id: to,
        title: `records to ${to}`,
        fingerprint: "",
        cursor: to,
        cost: { calls: Math.ceil(rows / 100), items: rows, bytes },
        data: { after, to },
      };
      after = to;
    }
  },
  async run({ data }, c) {
    const { source, destination } = c.connections;
    const rejected: Rejection[] = [];
    const { items } = await pump(
      source.rows({ table: c.inputs.table, ...data }),
      { batch: 100, inFlight: 16, signal: c.signal },
      async (batch) => {
        const answer = await destination.upsert(c.inputs.container, batch);
        for (const item of answer.rejected)
          rejected.push({ item, code: "invalid-input", message: "refused" });
        c.say({ type: "metric", name: "ru", value: batch.length * 5, unit: "RU" });
      },
    );
    return { items, bytes: 0, rejected, staged: null };
  },
});

export const cosmosLoad = defineJob({
  id: "cosmos-load",
  summary: "Load log records into Cosmos DB",
  description: "Raises throughput, loads, proves the counts, and puts throughput back.",
  effect: "writes",
  inputs,
  needs: { source: "postgres", destination: "cosmos" },
  outputs: { documents: "documents of the container" },
  examples: [],
  async prepare(c: ReadContext<Inputs, Needs, undefined>): Promise<State> {
    const { source, destination } = c.connections;
    const crashed = await destination.recorded(c.inputs.container);
    return {
      throughputBefore: crashed?.throughput ?? (await destination.throughput(c.inputs.container)),
      countBefore: await destination.count(c.inputs.container),
      rows: await source.count("select count(*) …"),
    };
  },
  lease: (c) => ({ key: c.inputs.container, store: c.connections.destination.leases }),
  async forecast(c) {
    return {
      facts: [{ label: "least time", value: `${Number(c.state.rows) / (c.inputs.throughput / 5)} s` }],
      warnings: [],
    };
  },
  phases: [raise, load],
  async reconcile(c) {
    return [
      {
        name: "documents",
        left: { label: "records of the table", count: c.state.rows, by: "source" },
        right: [
          {
            label: "documents of the container",
            count: await c.connections.destination.count(c.inputs.container),
            by: "destination",
          },
        ],
      },
    ];
  },
  async compensate(c) {
    await c.connections.destination.setThroughput(c.inputs.container, c.state.throughputBefore);
    await c.connections.destination.record(c.inputs.container, undefined);
  },
});
