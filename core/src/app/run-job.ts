import { createHash } from "node:crypto";
import type { Config } from "../config/config.ts";
import { DEFAULT_RETENTION } from "../config/config.ts";
import { asLakeferryError, type LakeferryError } from "../job/errors.ts";
import type { Outcome, RunEvent } from "../job/events.ts";
import { errorFacts } from "../job/events.ts";
import { parseDuration, type Shard } from "../job/inputs.ts";
import type { Json } from "../job/json.ts";
import { runStamp } from "../job/run-stamp.ts";
import type { StateStore } from "../job/state.ts";
import { execute } from "../runtime/execute.ts";
import { openJournal } from "../runtime/journal.ts";
import { report } from "../runtime/report.ts";
import { dropOldRecords, type RunRecord, writeRecord } from "../runtime/run-record.ts";
import { emptySummary, fold, type RunSummary } from "../runtime/summary.ts";
import { connectorContext } from "./connector-context.ts";
import { findJob } from "./definitions.ts";
import type { Host } from "./host.ts";
import { ConnectionOpener } from "./open-connections.ts";
import { openState } from "./open-state.ts";
import { readInputs } from "./read-inputs.ts";
import { redacting } from "./redact.ts";

/** What a host asks for. */
export interface JobRequest {
  readonly job: string;
  /** Inputs and connections by camelCase name, as text or as YAML gave them. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The entry of `lakeferry.yml` that is run, if one is. */
  readonly entry?: string;
  readonly config?: Config;
  readonly dryRun: boolean;
  /** Takes over a lease whose holder is known to be dead. */
  readonly takeOver?: boolean;
  /** `file:<folder>`; default: as configured, else `file:.lakeferry`. */
  readonly state?: string;
}

export interface JobResult {
  readonly outcome: Outcome;
  readonly summary: RunSummary;
  readonly exitCode: number;
  /** The report in Markdown. */
  readonly report: string;
  /** Where record and report are kept; absent for a dry run and for a run that could not begin. */
  readonly kept?: { readonly location: string; readonly record: string; readonly report: string };
}

const LEASE_TTL_MS = 5 * 60_000;

/**
 * Runs a job from beginning to end: checks inputs, opens connections, executes, keeps the record. Never throws: what
 * goes wrong is the outcome, also before the job could begin.
 */
export async function runJob(request: JobRequest, host: Host): Promise<JobResult> {
  const summary = emptySummary();
  const secrets = new Set<string>();
  const say = redacting(secrets, (event: RunEvent) => {
    fold(summary, event);
    host.say(event);
  });
  try {
    return await new Attempt(request, { ...host, say }, summary, secrets).run();
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    say({
      type: "finished",
      outcome: error.code === "cancelled" ? "cancelled" : "failed",
      seconds: 0,
      outputs: {},
      error: errorFacts(error),
    });
    return {
      outcome: summary.outcome!,
      summary,
      exitCode: exitCodeOf(summary.outcome!, error),
      report: report(summary),
    };
  }
}

class Attempt {
  readonly #request: JobRequest;
  readonly #host: Host;
  readonly #summary: RunSummary;
  readonly #secrets: Set<string>;

  constructor(request: JobRequest, host: Host, summary: RunSummary, secrets: Set<string>) {
    this.#request = request;
    this.#host = host;
    this.#summary = summary;
    this.#secrets = secrets;
  }

  async run(): Promise<JobResult> {
    const { job, family } = findJob(this.#request.job);
    const inputs = readInputs(job, this.#request.values);
    const state = openState(this.#request.state ?? this.#request.config?.state, this.#host.cwd);
    const startedAt = new Date(this.#host.now());
    const id = `${runStamp(startedAt.getTime())}-${Math.floor(this.#host.random() * 0x10000)
      .toString(16)
      .padStart(4, "0")}`;
    const entry = this.#request.entry;
    const abort = new AbortController();
    const signal = AbortSignal.any([this.#host.signal, abort.signal]);
    const { context, close } = await connectorContext({ ...this.#host, signal });
    const opener = new ConnectionOpener(this.#request.config, context, this.#secrets);
    try {
      const connections = await opener.forJob(job, this.#request.values);
      const identities = Object.fromEntries(
        Object.entries(connections).map(([role, opened]) => [role, opened.identity]),
      );
      const key = createHash("sha256")
        .update(JSON.stringify([job.id, identities, inputs]))
        .digest("hex")
        .slice(0, 24);
      const retentionMs = this.#retentionMs();
      const outcome = await execute({
        job,
        inputs,
        connections,
        run: { id, job: job.id, startedAt, retentionMs, ...(entry ? { entry } : {}) },
        dryRun: this.#request.dryRun,
        journal: await openJournal(state, key, id),
        store: state,
        section: this.#request.config?.sections[family.id],
        lease: { ttlMs: LEASE_TTL_MS, takeOver: this.#request.takeOver ?? false, ...leaseGroup(id, inputs) },
        signal,
        abort: (reason) => abort.abort(reason),
        now: this.#host.now,
        random: this.#host.random,
        say: this.#host.say,
      });
      const markdown = report(this.#summary);
      const result = {
        outcome,
        summary: this.#summary,
        exitCode: exitCodeOf(outcome, this.#summary.error),
        report: markdown,
      };
      if (this.#request.dryRun) return result;
      const finishedAt = new Date(this.#host.now());
      const record = {
        version: 1,
        run: id,
        job: job.id,
        startedAt: startedAt.toISOString(),
        finishedAt: finishedAt.toISOString(),
        inputs: inputs as Record<string, Json>,
        connections: identities,
        summary: this.#summary,
        ...(entry ? { entry } : {}),
      } as const;
      return { ...result, ...(await this.#keep(state, record, markdown)) };
    } finally {
      await opener.close();
      await close();
    }
  }

  /** Keeps the record and drops old ones. The run is over: a record that cannot be kept is told, and changes nothing of it. */
  async #keep(state: StateStore, record: RunRecord, markdown: string): Promise<Pick<JobResult, "kept">> {
    try {
      const keys = await writeRecord(state, record, markdown);
      const days = this.#retentionMs() / 86_400_000;
      await dropOldRecords(state, days, Date.parse(record.finishedAt));
      return { kept: { location: state.location, ...keys } };
    } catch (thrown) {
      const { message } = asLakeferryError(thrown);
      this.#host.say({ type: "warning", text: `The record of this run could not be kept: ${message}` });
      return {};
    }
  }

  #retentionMs(): number {
    return this.#request.config?.retentionMs ?? parseDuration(DEFAULT_RETENTION)!;
  }
}

/** Shards of one run share the lease of their target: they are told by how many they are. */
function leaseGroup(
  run: string,
  inputs: Readonly<Record<string, unknown>>,
): { group: string; shard?: string } {
  const shard = inputs.shard as Shard | undefined;
  return shard ? { group: `shards-of-${shard.of}`, shard: `${shard.index}/${shard.of}` } : { group: run };
}

/** 0 succeeded · 1 failed · 2 invalid input · 3 partial · 130 cancelled. */
export function exitCodeOf(
  outcome: Outcome,
  error: Pick<LakeferryError, "code"> | { readonly code: string } | undefined,
): number {
  if (outcome === "succeeded") return 0;
  if (outcome === "partial") return 3;
  if (outcome === "cancelled") return 130;
  return error?.code === "invalid-input" ? 2 : 1;
}
