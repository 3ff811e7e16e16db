import type { Json } from "../job/json.ts";
import { runStamp } from "../job/run-stamp.ts";
import type { StateStore } from "../job/state.ts";
import { oldJournals } from "./journal.ts";
import type { RunSummary } from "./summary.ts";

/** What is kept of a run at the state location, as `runs/<run>.json`. Holds no credential. */
export interface RunRecord {
  readonly version: 1;
  readonly run: string;
  readonly job: string;
  readonly entry?: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly inputs: Readonly<Record<string, Json>>;
  /** The targets by role, without credentials. */
  readonly connections: Readonly<Record<string, string>>;
  readonly summary: RunSummary;
}

const DAY_MS = 86_400_000;

/** Writes the record and, beside it, the report in Markdown. Resolves to their keys. */
export async function writeRecord(
  store: StateStore,
  record: RunRecord,
  markdown: string,
): Promise<{ record: string; report: string }> {
  const keys = { record: `runs/${record.run}.json`, report: `runs/${record.run}.md` };
  const json = JSON.stringify(
    record,
    (_key, value) => (typeof value === "bigint" ? value.toString() : value),
    2,
  );
  await store.write(keys.report, Buffer.from(markdown));
  await store.write(keys.record, Buffer.from(`${json}\n`));
  return keys;
}

/** The records of the state location, newest first; at most `most`. A record that cannot be read is passed over. */
export async function readRecords(store: StateStore, most: number): Promise<readonly RunRecord[]> {
  const keys = (await store.list("runs/")).filter((key) => key.endsWith(".json")).reverse();
  const records: RunRecord[] = [];
  for (const key of keys.slice(0, most)) {
    const body = await store.read(key);
    try {
      if (body) records.push(JSON.parse(Buffer.from(body).toString("utf8")) as RunRecord);
    } catch {
      // A record that is not JSON is of no use to anybody; the next run writes its own.
    }
  }
  return records;
}

/** Deletes records and journals of runs that began more than `days` ago. Run ids sort by their start. */
export async function dropOldRecords(store: StateStore, days: number, now: number): Promise<number> {
  const oldest = runStamp(now - days * DAY_MS);
  const records = (await store.list("runs/")).filter((key) => key.slice("runs/".length) < oldest);
  const old = [...records, ...(await oldJournals(store, oldest))];
  for (const key of old) await store.delete(key);
  return old.length;
}
