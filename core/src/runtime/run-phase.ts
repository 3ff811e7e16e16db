import type { ReadContext, WriteContext } from "../job/context.ts";
import type { AnyPhase } from "../job/define-job.ts";
import { asLakeferryError, endsRun, type LakeferryError } from "../job/errors.ts";
import { errorFacts, type RunEvent } from "../job/events.ts";
import type { Cursor, Receipt, Staged, Step } from "../job/phase.ts";
import type { Journal } from "./journal.ts";

// biome-ignore lint/suspicious/noExplicitAny: the engine passes a job's own data through unread
type Any = any;
type Done = { step: Step<Any>; staged: Staged<Any>; order: number };

export interface PhaseRun {
  readonly phase: AnyPhase<Any, Any, Any>;
  readonly read: ReadContext<Any, Any, Any>;
  readonly write: WriteContext<Any, Any, Any>;
  readonly journal: Journal | undefined;
  readonly signal: AbortSignal;
  readonly say: (event: RunEvent) => void;
}

const DEFAULT_IN_FLIGHT = 8;
/** Groups that wait for their seal before no further step is begun. */
const GROUPS_WAITING = 2;

/**
 * Runs one phase: takes steps from the plan as there is room, runs many at a time, seals them in groups one after the
 * other, and tells the journal only what is sealed. A step that fails is told and left out; an error that ends the run,
 * or a seal that fails, ends the phase. Resolves when everything that was planned is sealed or was told as failed.
 */
export async function runPhase(o: PhaseRun): Promise<void> {
  const { phase, say } = o;
  const name = phase.name;
  const limits = phase.group?.(o.read);
  const most = phase.inFlight?.(o.read) ?? DEFAULT_IN_FLIGHT;
  const running = new Set<Promise<void>>();
  const cursors = new LowWater();
  let failure: LakeferryError | undefined;
  let group: Done[] = [];
  let groupItems = 0;
  let groupBytes = 0;
  let groupSince = 0;
  let sealing: Promise<void> = Promise.resolve();
  let waiting = 0;

  const fail = (thrown: unknown) => {
    failure ??= asLakeferryError(thrown);
  };

  async function seal(steps: Done[]): Promise<void> {
    if (failure || o.signal.aborted) return;
    const items = steps.reduce((sum, { staged }) => sum + staged.items, 0);
    const bytes = steps.reduce((sum, { staged }) => sum + staged.bytes, 0);
    say({ type: "sealing", phase: name, steps: steps.length, items });
    const receipts = await phase.seal?.(
      steps.map(({ step, staged }) => ({ step, staged: staged.staged })),
      o.write,
    );
    const outcomes: Partial<Record<Receipt["outcome"], number>> = {};
    for (const { outcome, items: done } of receipts ?? [])
      outcomes[outcome] = (outcomes[outcome] ?? 0) + done;
    say({ type: "sealed", phase: name, steps: steps.length, items, bytes, outcomes });
    // A step with an item that was rejected is not done: the next run tries it again.
    const whole = steps.filter(({ staged }) => (staged.rejected ?? []).length === 0);
    for (const { order, step } of whole) cursors.done(order, step.cursor);
    if (!o.journal || whole.length === 0) return;
    await o.journal.append(
      name,
      whole.map(({ step }) => step),
      cursors.reached,
    );
    say({ type: "journaled", phase: name, steps: whole.length });
  }

  function flush(): void {
    if (group.length === 0) return;
    const steps = group;
    group = [];
    groupItems = groupBytes = 0;
    waiting += 1;
    sealing = sealing
      .then(() => seal(steps))
      .catch(fail)
      .finally(() => {
        waiting -= 1;
      });
  }

  async function work(step: Step<Any>, order: number): Promise<void> {
    say({ type: "step-started", phase: name, step: step.id, title: step.title });
    try {
      const staged = await phase.run(step, o.write);
      say({
        type: "step-finished",
        phase: name,
        step: step.id,
        items: staged.items,
        bytes: staged.bytes,
        rejected: staged.rejected ?? [],
      });
      if (group.length === 0) groupSince = o.read.now();
      group.push({ step, staged, order });
      groupItems += staged.items;
      groupBytes += staged.bytes;
      const old = limits?.seconds !== undefined && o.read.now() - groupSince >= limits.seconds * 1000;
      if (
        !limits ||
        groupItems >= limits.items ||
        groupBytes >= (limits.bytes ?? Number.POSITIVE_INFINITY) ||
        old
      )
        flush();
    } catch (thrown) {
      const error = asLakeferryError(thrown);
      if (endsRun(error) || o.signal.aborted) return fail(error);
      phase.failed?.(step, error, o.read);
      say({
        type: "step-failed",
        phase: name,
        step: step.id,
        error: errorFacts(error),
        items: step.cost.items,
      });
    }
  }

  try {
    let order = 0;
    let begun = false;
    for await (const step of phase.plan(o.read, o.journal?.resumeAt(name))) {
      if (failure || o.signal.aborted) break;
      if (o.journal?.has(name, step)) continue;
      if (!begun) say({ type: "phase", phase: name, title: phase.title });
      begun = true;
      while (running.size >= most) await Promise.race(running);
      while (waiting >= GROUPS_WAITING && !failure) await sealing;
      if (failure || o.signal.aborted) break;
      const task: Promise<void> = work(step, order++)
        .catch(fail)
        .finally(() => running.delete(task));
      running.add(task);
    }
  } catch (thrown) {
    fail(thrown);
  }
  await Promise.all(running);
  if (!failure) flush();
  await sealing;
  if (failure) throw failure;
  o.signal.throwIfAborted();
}

/** The cursor up to which every step is done, though steps end in any order. */
class LowWater {
  readonly #finished = new Map<number, Cursor>();
  #next = 0;
  reached: Cursor | undefined;

  done(order: number, cursor: Cursor): void {
    this.#finished.set(order, cursor);
    for (let at = this.#finished.get(this.#next); at !== undefined; at = this.#finished.get(this.#next)) {
      this.reached = at;
      this.#finished.delete(this.#next++);
    }
  }
}
