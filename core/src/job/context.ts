import type { Needs, Readers, Writers } from "./connections.ts";
import type { RunEvent } from "./events.ts";
import type { InputShape, InputValues } from "./inputs.ts";
import type { StateReader, StateStore } from "./state.ts";

/** Which run this is. */
export interface RunIdentity {
  /** Sorts by start: `20261120T020000Z-4f2a`. */
  readonly id: string;
  readonly job: string;
  /** The entry of `lakeferry.yml`, when it was started by one. */
  readonly entry?: string;
  readonly startedAt: Date;
  /** How long what runs leave behind is kept: records, abandoned working branches. */
  readonly retentionMs: number;
}

/** What a job may use while it plans, compares and counts: nothing in it can write. */
export interface ReadContext<I extends InputShape = InputShape, N extends Needs = Needs, S = unknown> {
  readonly inputs: InputValues<I>;
  readonly connections: Readers<N>;
  /** What `prepare` returned. */
  readonly state: S;
  /** The family's section of `lakeferry.yml`, checked by the family's schema; undefined when there is none. */
  readonly section: unknown;
  /** The state location, to read from. */
  readonly store: StateReader;
  readonly run: RunIdentity;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
  say(event: Extract<RunEvent, { type: "progress" | "warning" | "finding" | "metric" }>): void;
}

/** The same, with connections that write: handed to what does the work, and only when the job writes. */
export interface WriteContext<I extends InputShape = InputShape, N extends Needs = Needs, S = unknown>
  extends Omit<ReadContext<I, N, S>, "connections" | "store"> {
  readonly connections: Writers<N>;
  readonly store: StateStore;
}
