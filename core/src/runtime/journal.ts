import type { Json } from "../job/json.ts";
import type { Cursor, Step } from "../job/phase.ts";
import type { StateReader, StateStore } from "../job/state.ts";

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
 * after its seal, so it can be behind the destination and never ahead. It is dropped when a run ends well, and when the
 * result does not add up: then something that it calls done is not there.
 */
export interface Journal {
  resumeAt(phase: string): Cursor | undefined;
  has(phase: string, step: Step<Json>): boolean;
  append(phase: string, done: readonly Step<Json>[], cursor: Cursor | undefined): Promise<void>;
  /** Forgets everything, of earlier runs too: the next run plans and does all of it again. */
  clear(): Promise<void>;
}

/**
 * Opens the journal of one command; `key` is the same for the same job, targets and inputs. Each run writes a document
 * of its own, named by key and run, so that what a crash cut off stands at an end, and old ones are told by their name.
 */
export async function openJournal(store: StateStore, key: string, run: string): Promise<Journal> {
  const prefix = `journals/${key}.`;
  const file = `${prefix}${run}.jsonl`;
  const done = new Map<string, string>();
  const cursors = new Map<string, Cursor>();
  const name = (phase: string, step: string) => `${phase}\n${step}`;
  const learn = (entry: Entry) => {
    done.set(name(entry.phase, entry.step), entry.fingerprint);
    if (entry.cursor !== undefined) cursors.set(entry.phase, entry.cursor);
  };
  for (const before of await store.list(prefix))
    for (const entry of entries(await store.read(before))) learn(entry);
  return {
    resumeAt: (phase) => cursors.get(phase),
    has: (phase, step) => done.get(name(phase, step.id)) === step.fingerprint,
    async append(phase, steps, cursor) {
      const lines = steps.map((step, i): Entry => {
        const last = i === steps.length - 1 && cursor !== undefined;
        return { phase, step: step.id, fingerprint: step.fingerprint, ...(last ? { cursor } : {}) };
      });
      await store.append(file, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
      for (const line of lines) learn(line);
    },
    async clear() {
      for (const before of await store.list(prefix)) await store.delete(before);
      done.clear();
      cursors.clear();
    },
  };
}

/** Journals of runs that began before `oldest`, a run's stamp. */
export async function oldJournals(store: StateReader, oldest: string): Promise<readonly string[]> {
  const keys = await store.list("journals/");
  return keys.filter((key) => (/\.([^.]+)\.jsonl$/.exec(key)?.[1] ?? "") < oldest);
}

/** Whole lines only: a crash can leave a torn one, whose step is then simply done again. */
function* entries(body: Uint8Array | undefined): Iterable<Entry> {
  if (!body) return;
  for (const line of Buffer.from(body).toString("utf8").split("\n")) {
    try {
      if (line !== "") yield JSON.parse(line) as Entry;
    } catch {
      // Where a crash cut an append.
    }
  }
}
