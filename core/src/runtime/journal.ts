import type { Json } from "../job/json.ts";
import type { Cursor, Receipt, Step } from "../job/phase.ts";
import type { StateStore } from "../job/state.ts";

/** One line of the journal: a step that is durable at the destination. */
interface Entry {
  readonly phase: string;
  readonly step: string;
  readonly fingerprint: string;
  /** Every step up to here is done. */
  readonly cursor?: Cursor;
}

/**
 * What a run has made durable, so that the next run of the same command need not plan it again. It hears of a step only
 * after its seal, so it can be behind the destination and never ahead; it is dropped when a run ends well.
 */
export interface Journal {
  resumeAt(phase: string): Cursor | undefined;
  has(phase: string, step: Step<Json>): boolean;
  append(
    phase: string,
    done: readonly { step: Step<Json>; receipts: readonly Receipt[] }[],
    cursor: Cursor | undefined,
  ): Promise<void>;
  clear(): Promise<void>;
}

/** Opens the journal of one command; `key` is the same for the same job, targets and inputs. */
export async function openJournal(store: StateStore, key: string): Promise<Journal> {
  const file = `journals/${key}.jsonl`;
  const done = new Map<string, string>();
  const cursors = new Map<string, Cursor>();
  const name = (phase: string, step: string) => `${phase}\n${step}`;
  const learn = (entry: Entry) => {
    done.set(name(entry.phase, entry.step), entry.fingerprint);
    if (entry.cursor !== undefined) cursors.set(entry.phase, entry.cursor);
  };
  const before = await store.read(file);
  for (const entry of entries(before)) learn(entry);
  /** A line that a crash cut off is ended first, so that it spoils no other. */
  let ending = before?.length && before.at(-1) !== 10 ? "\n" : "";
  return {
    resumeAt: (phase) => cursors.get(phase),
    has: (phase, step) => done.get(name(phase, step.id)) === step.fingerprint,
    async append(phase, steps, cursor) {
      const lines = steps.map(({ step }, i): Entry => {
        const last = i === steps.length - 1 && cursor !== undefined;
        return { phase, step: step.id, fingerprint: step.fingerprint, ...(last ? { cursor } : {}) };
      });
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      await store.append(file, Buffer.from(ending + text));
      ending = "";
      for (const line of lines) learn(line);
    },
    clear: () => store.delete(file),
  };
}

/** Whole lines only: a crash can leave a torn one, whose step is then simply done again. */
function* entries(body: Uint8Array | undefined): Iterable<Entry> {
  if (!body) return;
  for (const line of Buffer.from(body).toString("utf8").split("\n")) {
    try {
      if (line !== "") yield JSON.parse(line) as Entry;
    } catch {
      // A torn line stands where a crash cut an append; the lines after it are from a later run and stay good.
    }
  }
}
