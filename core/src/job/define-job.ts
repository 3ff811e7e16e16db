import type { z } from "zod";
import type { Needs } from "./connections.ts";
import type { ReadContext, WriteContext } from "./context.ts";
import type { Equation } from "./equation.ts";
import type { Forecast } from "./events.ts";
import type { InputShape } from "./inputs.ts";
import type { Json } from "./json.ts";
import type { LeaseClaim } from "./lease.ts";
import type { Phase } from "./phase.ts";

/**
 * A capability: data plus functions. Every face (command line, action, task, schema, form) is generated from the
 * data; the one engine calls the functions. `effect` never depends on an input: that would be another job.
 */
export interface Job<I extends InputShape, N extends Needs, S> {
  /** `<family>-<verb>`. */
  readonly id: string;
  /** One line, in the imperative. */
  readonly summary: string;
  /** What a reader of `--help` learns beyond the summary. */
  readonly description: string;
  readonly effect: "reads" | "writes" | "deletes";
  readonly inputs: I;
  readonly needs: N;
  /** Names of `outputs`, with what each says. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly examples: readonly { readonly title: string; readonly with: Readonly<Record<string, string>> }[];
  /** Reads what planning needs from source and destination. */
  prepare(c: ReadContext<I, N, undefined>): Promise<S>;
  lease?(c: WriteContext<I, N, undefined>): LeaseClaim;
  /** What the plan comes to: counts, time, warnings. */
  forecast?(c: ReadContext<I, N, S>): Promise<Forecast>;
  readonly phases: readonly AnyPhase<I, N, S>[];
  /** States equations: the left side counted at the source, the right by asking the destination. */
  reconcile(c: ReadContext<I, N, S>): Promise<readonly Equation[]>;
  /** What is told when an equation does not hold, in other words than that something was lost: a job that compares. */
  readonly unbalanced?: { readonly message: string; readonly hint: string };
  /** Takes back what says at the destination that the run succeeded, when an equation does not hold or cannot be stated. */
  retract?(c: WriteContext<I, N, S>): Promise<void>;
  /** Values for the CI host and the record, after the run. */
  result?(c: ReadContext<I, N, S>): Readonly<Record<string, Json>>;
  /**
   * Puts back what was changed for the time of a run, as it was recorded at the destination before: at the end, by the
   * last holder of the lease, however the run ended. After a crash it is the next run that reads the record and ends so.
   */
  compensate?(c: WriteContext<I, N, S>): Promise<void>;
}

// A phase's step data and staged data are its own affair: the engine passes them through unread.
// biome-ignore lint/suspicious/noExplicitAny: existential types, which TypeScript does not have
export type AnyPhase<I extends InputShape, N extends Needs, S> = Phase<any, any, I, N, S>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyJob = Job<any, any, any>;

/** Checks a definition against the types and returns it; the inference is the point. */
export function defineJob<const I extends InputShape, const N extends Needs, S>(
  job: Job<I, N, S>,
): Job<I, N, S> {
  return job;
}

/** The same for a phase that stands in a file of its own. */
export function definePhase<D extends Json, T, I extends InputShape, N extends Needs, S>(
  phase: Phase<D, T, I, N, S>,
): Phase<D, T, I, N, S> {
  return phase;
}

/** What a destination says of its own state: the last good run, and what there is. Feeds status and views. */
export interface Observation {
  readonly lastSuccess?: Date;
  /** Where that was learnt: `tag backup/2026-11-20 of https://…`. */
  readonly from: string;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  /** What a reader should do about it, when something should be done. */
  readonly next?: string;
}

/** A family of jobs: a folder. */
export interface Family {
  readonly id: string;
  readonly summary: string;
  /** The family's section of `lakeferry.yml`, when it has one. */
  readonly section?: z.ZodType;
  readonly jobs: readonly AnyJob[];
  /** The state of one configured run, asked from its destination. Undefined: the job leaves no state behind. */
  observe(job: AnyJob, c: ReadContext): Promise<Observation | undefined>;
  /** Symptom, what to look at, what to do: printed by `lakeferry doctor`. */
  readonly troubleshooting: readonly {
    readonly symptom: string;
    readonly cause: string;
    readonly cure: string;
  }[];
}
