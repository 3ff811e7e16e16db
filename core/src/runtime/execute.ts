import { hostname } from "node:os";
import type { Opened } from "../job/connections.ts";
import type { ReadContext, RunIdentity, WriteContext } from "../job/context.ts";
import type { AnyJob } from "../job/define-job.ts";
import { equationText, holds } from "../job/equation.ts";
import { asLakeferryError, cancelled, LakeferryError } from "../job/errors.ts";
import { errorFacts, type Outcome, type RunEvent, type Totals } from "../job/events.ts";
import type { Json } from "../job/json.ts";
import type { StateReader, StateStore } from "../job/state.ts";
import { type HeldLease, holdLease } from "./hold-lease.ts";
import type { Journal } from "./journal.ts";
import { runPhase } from "./run-phase.ts";

export interface ExecuteOptions {
  readonly job: AnyJob;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The open connections by role. In a dry run only their reading half is touched. */
  readonly connections: Readonly<Record<string, Pick<Opened<never>, "read" | "write">>>;
  readonly run: RunIdentity;
  readonly dryRun: boolean;
  readonly journal: Journal;
  readonly store: StateStore;
  readonly section: unknown;
  readonly lease: {
    readonly ttlMs: number;
    readonly takeOver: boolean;
    readonly group: string;
    readonly shard?: string;
  };
  /** Aborts the run: it is cancelled, or, with a `LakeferryError` as its reason, it may not go on. */
  readonly signal: AbortSignal;
  /** Aborts `signal` from within, for everything that hangs on it. */
  readonly abort: (reason: LakeferryError) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly say: (event: RunEvent) => void;
}

/** Runs a job to its end: lease, prepare, forecast, phases, reconcile. Never throws; the outcome says it all. */
export async function execute(o: ExecuteOptions): Promise<Outcome> {
  const started = o.now();
  const run = new JobRun(o);
  o.say({ type: "started", job: o.job.id, run: o.run.id, dryRun: o.dryRun });
  let error: LakeferryError | undefined;
  try {
    await run.whole();
  } catch (thrown) {
    error = ended(o.signal) ?? asLakeferryError(thrown);
  }
  const outcome: Outcome = error
    ? error.code === "cancelled"
      ? "cancelled"
      : "failed"
    : run.incomplete
      ? "partial"
      : "succeeded";
  const next = o.dryRun ? undefined : NEXT[outcome];
  o.say({
    type: "finished",
    outcome,
    seconds: (o.now() - started) / 1000,
    outputs: run.outputs(),
    ...(error ? { error: errorFacts(error) } : {}),
    ...(next ? { next } : {}),
  });
  return outcome;
}

/** Why an aborted run ended: cancelled from outside, or by an error that stops everything, such as a lost lease. */
function ended(signal: AbortSignal): LakeferryError | undefined {
  if (!signal.aborted) return undefined;
  return signal.reason instanceof LakeferryError ? signal.reason : cancelled(signal);
}

const NEXT: Readonly<Partial<Record<Outcome, string>>> = {
  cancelled: "Run the same command again: it goes on where this run stopped.",
  failed: "When the cause is removed, run the same command again: what is done is not done twice.",
  partial: "Run the same command again to try what is missing.",
};

const UNBALANCED = {
  message: "The result does not add up.",
  hint: "Something changed the destination during the run, or a write was lost. The report names the objects. Run the same command again.",
};

// biome-ignore lint/suspicious/noExplicitAny: the engine passes a job's own data through unread
type Any = any;

class JobRun {
  readonly #o: ExecuteOptions;
  readonly #read: ReadContext<Any, Any, Any>;
  readonly #write: WriteContext<Any, Any, Any> | undefined;
  readonly #shared: { state: unknown } = { state: undefined };
  #prepared = false;
  /** Whether an item was rejected or a step failed. */
  incomplete = false;

  constructor(o: ExecuteOptions) {
    this.#o = o;
    const { inputs, run, section, signal, now, random, say, store } = o;
    const base = { inputs, run, section, signal, now, random, say };
    const reader: StateReader = {
      location: store.location,
      read: (key) => store.read(key),
      list: (prefix) => store.list(prefix),
    };
    this.#read = this.#context({ ...base, store: reader, connections: half(o.connections, "read") });
    // A job that reads is handed the reading halves all the way: it has nothing to write with.
    const side = o.job.effect === "reads" ? "read" : "write";
    this.#write = o.dryRun
      ? undefined
      : this.#context({ ...base, store, connections: half(o.connections, side) });
  }

  /** A context whose `state` is what `prepare` will have returned. */
  #context<C>(base: object): C {
    const shared = this.#shared;
    return Object.defineProperty(base, "state", { get: () => shared.state, enumerable: true }) as C;
  }

  async whole(): Promise<void> {
    const { job } = this.#o;
    if (!this.#write) return this.#rehearse();
    const lease = job.lease ? await this.#hold(job.lease(this.#write)) : undefined;
    try {
      await this.#prepare();
      for (const phase of job.phases) {
        const journal = phase.journaled ? this.#o.journal : undefined;
        const { signal } = this.#o;
        await runPhase({ phase, read: this.#read, write: this.#write, journal, signal, say: this.#listen });
      }
      await this.#reconcile();
      await this.#o.journal.clear();
    } finally {
      const last = async () => {
        if (this.#prepared) await job.compensate?.(this.#write!);
      };
      if (lease) await lease.release(last).catch((thrown) => this.#leaseNotReleased(thrown));
      else await last();
    }
  }

  outputs(): Readonly<Record<string, Json>> {
    if (!this.#prepared || this.#o.dryRun) return {};
    return this.#o.job.result?.(this.#read) ?? {};
  }

  #hold(claim: Parameters<typeof holdLease>[0]): Promise<HeldLease> {
    const { run, lease } = this.#o;
    const holder = {
      run: run.id,
      host: hostname(),
      pid: process.pid,
      group: lease.group,
      since: run.startedAt.toISOString(),
      ...(lease.shard ? { shard: lease.shard } : {}),
    };
    const { now, signal, say } = this.#o;
    const waiting = (text: string) => say({ type: "warning", text });
    return holdLease(claim, holder, { ...lease, now, signal, waiting, lost: this.#o.abort });
  }

  #leaseNotReleased(thrown: unknown): void {
    this.#o.say({
      type: "warning",
      text: `The lease could not be given back (${asLakeferryError(thrown).message}); it ends by itself.`,
    });
  }

  async #prepare(): Promise<void> {
    const { job, say } = this.#o;
    say({ type: "phase", phase: "prepare", title: "Comparing source and destination" });
    this.#shared.state = await job.prepare(this.#read);
    this.#prepared = true;
    const forecast = await job.forecast?.(this.#read);
    if (forecast) say({ type: "forecast", forecast });
    for (const [phase, totals] of Object.entries(forecast?.totals ?? {})) {
      if (!this.#o.dryRun) say({ type: "planned", phase, totals, complete: true });
    }
    this.#o.signal.throwIfAborted();
  }

  /** A dry run: everything is planned, nothing is done. There is no write context that could do it. */
  async #rehearse(): Promise<void> {
    await this.#prepare();
    for (const phase of this.#o.job.phases) {
      const totals = { steps: 0, items: 0, bytes: 0, calls: 0 };
      for await (const step of phase.plan(this.#read)) {
        add(totals, step.cost);
        this.#o.signal.throwIfAborted();
      }
      this.#o.say({ type: "planned", phase: phase.name, totals, complete: true });
    }
  }

  async #reconcile(): Promise<void> {
    const { job, say } = this.#o;
    say({ type: "reconciling" });
    const wrong: string[] = [];
    const equations = await job.reconcile(this.#read).catch(async (thrown) => {
      await this.#retract();
      throw thrown;
    });
    for (const equation of equations) {
      say({ type: "reconciled", equation, holds: holds(equation) });
      if (!holds(equation)) wrong.push(`${equation.name}: ${equationText(equation)}`);
    }
    if (wrong.length === 0) return;
    await this.#o.journal.clear();
    await this.#retract();
    const { message, hint } = job.unbalanced ?? UNBALANCED;
    throw new LakeferryError(`${message} ${wrong.join("; ")}.`, { code: "unbalanced", hint });
  }

  /**
   * Nothing at the destination may say that a run succeeded which is not proven to have. Tried even when the run was
   * cancelled, though most of it is refused then; the error that led here stays the run's.
   */
  async #retract(): Promise<void> {
    if (!this.#write) return;
    try {
      await this.#o.job.retract?.(this.#write);
    } catch (thrown) {
      this.#o.say({
        type: "warning",
        text: `What says at the destination that this run succeeded could not be taken back: ${asLakeferryError(thrown).message}`,
      });
    }
  }

  readonly #listen = (event: RunEvent): void => {
    if (event.type === "step-failed" || (event.type === "step-finished" && event.rejected.length > 0))
      this.incomplete = true;
    this.#o.say(event);
  };
}

function half(connections: ExecuteOptions["connections"], side: "read" | "write"): Record<string, unknown> {
  return Object.fromEntries(Object.entries(connections).map(([role, opened]) => [role, opened[side]]));
}

function add(
  totals: { -readonly [K in keyof Totals]: Totals[K] },
  cost: { calls: number; items: number; bytes: number },
): void {
  totals.steps += 1;
  totals.items += cost.items;
  totals.bytes += cost.bytes;
  totals.calls += cost.calls;
}
