import { Cron } from "croner";
import type { Config, ConfiguredRun } from "../config/config.ts";
import type { Observation } from "../job/define-job.ts";
import { asLakeferryError } from "../job/errors.ts";
import { type ErrorFacts, errorFacts, type Outcome } from "../job/events.ts";
import type { StateStore } from "../job/state.ts";
import { type RunRecord, readRecords } from "../runtime/run-record.ts";
import { connectorContext } from "./connector-context.ts";
import { findJob } from "./definitions.ts";
import type { Host } from "./host.ts";
import { ConnectionOpener } from "./open-connections.ts";
import { openState } from "./open-state.ts";
import { readInputs } from "./read-inputs.ts";
import { redacted } from "./redact.ts";

/** The state of one entry of `lakeferry.yml`. */
export interface EntryStatus {
  readonly name: string;
  readonly job: string;
  readonly schedule?: string;
  readonly nextRun?: Date;
  /** Asked from the destination: true on a machine that has never run it. Absent when the job leaves no state there. */
  readonly observed?: Observation;
  /** Milliseconds since the last success; undefined when there is none. */
  readonly age?: number;
  /** The newest run that this state location knows of. */
  readonly lastRun?: {
    readonly run: string;
    readonly outcome: Outcome | undefined;
    readonly finishedAt: string;
  };
  readonly error?: ErrorFacts;
}

const RECORDS_READ = 200;

/** Asks the destination of each entry for its last success. An entry that cannot be asked says why, and the others go on. */
export async function status(
  config: Config,
  host: Host,
  options: { readonly state?: string; readonly only?: string } = {},
): Promise<readonly EntryStatus[]> {
  const store = openState(options.state ?? config.state, host.cwd);
  const records = await readRecords(store, RECORDS_READ);
  const secrets = new Set<string>();
  const { context, close } = await connectorContext(host);
  const opener = new ConnectionOpener(config, context, secrets);
  try {
    const runs = [...config.runs.values()].filter(
      (run) => options.only === undefined || run.name === options.only,
    );
    const entries = await Promise.all(
      runs.map((run) => entryStatus(run, store, config, opener, records, host)),
    );
    return redacted(entries, secrets);
  } finally {
    await opener.close();
    await close();
  }
}

async function entryStatus(
  run: ConfiguredRun,
  store: StateStore,
  config: Config,
  opener: ConnectionOpener,
  records: readonly RunRecord[],
  host: Host,
): Promise<EntryStatus> {
  const { job, family } = findJob(run.job);
  const last = records.find((record) => record.entry === run.name);
  const known = {
    name: run.name,
    job: run.job,
    ...(run.schedule ? { schedule: run.schedule, ...nextRun(run.schedule, host.now()) } : {}),
    ...(last
      ? { lastRun: { run: last.run, outcome: last.summary.outcome, finishedAt: last.finishedAt } }
      : {}),
  };
  try {
    const connections = await opener.forJob(job, run.values);
    const readers = Object.fromEntries(
      Object.entries(connections).map(([role, opened]) => [role, opened.read]),
    );
    const observed = await family.observe(job, {
      inputs: readInputs(job, run.values),
      connections: readers as never,
      state: undefined,
      section: config.sections[family.id],
      store,
      run: { id: "status", job: job.id, startedAt: new Date(host.now()), retentionMs: config.retentionMs },
      signal: host.signal,
      now: host.now,
      random: host.random,
      say: host.say,
    });
    if (!observed) return known;
    return {
      ...known,
      observed,
      ...(observed.lastSuccess ? { age: host.now() - observed.lastSuccess.getTime() } : {}),
    };
  } catch (thrown) {
    return { ...known, error: errorFacts(asLakeferryError(thrown)) };
  }
}

function nextRun(schedule: string, now: number): { nextRun?: Date } {
  const next = new Cron(schedule, { paused: true, timezone: "UTC" }).nextRun(new Date(now));
  return next ? { nextRun: next } : {};
}

/** Entries whose last success is older than `maxAgeMs`, is missing, or could not be asked: what `--max-age` alarms on. */
export function tooOld(entries: readonly EntryStatus[], maxAgeMs: number): readonly EntryStatus[] {
  return entries.filter(
    (entry) =>
      entry.error !== undefined ||
      (entry.observed !== undefined && (entry.age === undefined || entry.age > maxAgeMs)),
  );
}
