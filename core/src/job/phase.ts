import type { Needs } from "./connections.ts";
import type { ReadContext, WriteContext } from "./context.ts";
import type { LakeferryError } from "./errors.ts";
import type { Rejection } from "./events.ts";
import type { InputShape } from "./inputs.ts";
import type { Json } from "./json.ts";

/** A place in a plan to start again from. */
export type Cursor = string;

/** One piece of work, as plain JSON: it can be counted, shown, stored, and run anywhere. */
export interface Step<D extends Json = Json> {
  /** Unique within its phase, and the same for the same work in another run. */
  readonly id: string;
  readonly title: string;
  /** Changes when the source changes: a journal entry with another fingerprint does not count as done. */
  readonly fingerprint: string;
  readonly cursor: Cursor;
  readonly cost: { readonly calls: number; readonly items: number; readonly bytes: number };
  readonly data: D;
}

/** A step whose work is done but not yet durable at the destination. */
export interface Staged<T = unknown> {
  readonly items: number;
  readonly bytes: number;
  /** Items of the step that could not be done; the others are staged all the same. */
  readonly rejected?: readonly Rejection[];
  /** What `seal` needs; small, since a whole group is held in memory. */
  readonly staged: T;
}

/** What became of a step, as the destination has it. */
export interface Receipt {
  readonly step: string;
  readonly outcome: "written" | "unchanged" | "deleted" | "rejected";
  readonly items: number;
  readonly bytes: number;
}

/** A group is sealed when it has this many items or bytes, or, as a step ends, is this old. */
export interface GroupLimits {
  readonly items: number;
  readonly bytes?: number;
  readonly seconds?: number;
}

/** One part of a job; the next begins when all of it is sealed. */
export interface Phase<D extends Json, T, I extends InputShape, N extends Needs, S> {
  readonly name: string;
  readonly title: string;
  /** Absent: every step is sealed by itself. */
  group?(c: ReadContext<I, N, S>): GroupLimits;
  /** Steps at work at once. Default 8. */
  inFlight?(c: ReadContext<I, N, S>): number;
  /** Whether finished steps are skipped by the journal. Absent: the plan itself asks the destination. */
  readonly journaled?: boolean;
  /** Reads only, and yields lazily, in the order of the cursors; `from` is the cursor to start after. */
  plan(c: ReadContext<I, N, S>, from?: Cursor): AsyncIterable<Step<D>>;
  /** Does the work of one step. Idempotent; many run at a time. */
  run(step: Step<D>, c: WriteContext<I, N, S>): Promise<Staged<T>>;
  /**
   * Told when `run` threw for a step, which is left out: notes its items as failed, so that the equations count them so.
   * Must not throw. Not called for an error that ends the run.
   */
  failed?(step: Step<D>, error: LakeferryError, c: ReadContext<I, N, S>): void;
  /**
   * Makes a group durable at the destination in one act: durable when it resolves, harmless when asked twice.
   * Absent: what `run` did is durable already.
   */
  seal?(
    group: readonly { readonly step: Step<D>; readonly staged: T }[],
    c: WriteContext<I, N, S>,
  ): Promise<readonly Receipt[]>;
}
