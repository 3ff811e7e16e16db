import { describe, expect, test } from "vitest";
import { LakeferryError } from "../job/errors.ts";
import type { Rejection, RunEvent } from "../job/events.ts";
import type { Step } from "../job/phase.ts";
import type { Journal } from "./journal.ts";
import { type PhaseRun, runPhase } from "./run-phase.ts";

interface Given {
  steps?: number;
  group?: { items: number; bytes?: number; seconds?: number };
  inFlight?: number;
  run?: (n: number) => Promise<{ items: number; bytes: number; rejected?: Rejection[] } | undefined>;
  failed?: (step: Step<never>, error: LakeferryError) => void;
  seal?: (steps: number[]) => Promise<void>;
  journal?: Journal;
  now?: () => number;
}

function phaseOf(given: Given) {
  const events: RunEvent[] = [];
  const sealed: number[][] = [];
  const taken: number[] = [];
  const abort = new AbortController();
  const context = { now: given.now ?? (() => 0), signal: abort.signal } as never;
  const number = (step: Step<never>) => Number(step.id);
  const o: PhaseRun = {
    phase: {
      name: "work",
      title: "Working",
      ...(given.group ? { group: () => given.group } : {}),
      inFlight: () => given.inFlight ?? 4,
      async *plan() {
        for (let n = 0; n < (given.steps ?? 10); n++) {
          taken.push(n);
          yield {
            id: String(n),
            title: `${n}`,
            fingerprint: `f${n}`,
            cursor: `c${n}`,
            cost: { calls: 1, items: 1, bytes: 1 },
            data: n,
          };
        }
      },
      run: async (step: Step<never>) => ({
        staged: null,
        ...((await given.run?.(number(step))) ?? { items: 1, bytes: 1 }),
      }),
      ...(given.failed ? { failed: given.failed } : {}),
      seal: async (group: readonly { step: Step<never> }[]) => {
        const steps = group.map(({ step }) => number(step));
        await given.seal?.(steps);
        sealed.push(steps);
        return [];
      },
    } as never,
    read: context,
    write: context,
    journal: given.journal,
    signal: abort.signal,
    say: (event) => events.push(event),
  };
  return { o, events, sealed, taken, abort };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe("groups", () => {
  test("are sealed when they hold enough items, bytes, or are old; the rest at the end", async () => {
    const byItems = phaseOf({ group: { items: 4 } });
    await runPhase(byItems.o);
    expect(byItems.sealed.map((one) => one.length)).toEqual([4, 4, 2]);
    const byBytes = phaseOf({
      group: { items: 1000, bytes: 25 },
      run: async () => ({ items: 1, bytes: 10 }),
    });
    await runPhase(byBytes.o);
    expect(byBytes.sealed.map((one) => one.length)).toEqual([3, 3, 3, 1]);
    let now = 0;
    const byAge = phaseOf({
      group: { items: 1000, seconds: 60 },
      inFlight: 1,
      now: () => now,
      run: async () => {
        now += 25_000;
        return { items: 1, bytes: 1 };
      },
    });
    await runPhase(byAge.o);
    expect(byAge.sealed.map((one) => one.length)).toEqual([4, 4, 2]);
  });

  test("are sealed one after the other", async () => {
    let atWork = 0;
    let most = 0;
    const { o } = phaseOf({
      group: { items: 1 },
      seal: async () => {
        most = Math.max(most, ++atWork);
        await tick();
        atWork -= 1;
      },
    });
    await runPhase(o);
    expect(most).toBe(1);
  });
});

test("the plan is taken lazily: no more steps in flight than allowed, none while two groups wait for their seal", async () => {
  let atWork = 0;
  let most = 0;
  const some = phaseOf({
    steps: 50,
    inFlight: 3,
    run: async () => {
      most = Math.max(most, ++atWork);
      await tick();
      atWork -= 1;
      return { items: 1, bytes: 1 };
    },
  });
  await runPhase(some.o);
  expect(most).toBe(3);

  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const held = phaseOf({ steps: 100, inFlight: 2, group: { items: 2 }, seal: () => gate });
  const running = runPhase(held.o);
  for (let i = 0; i < 50; i++) await tick();
  expect(held.taken.length).toBeLessThan(12);
  open();
  await running;
  expect(held.sealed.flat().length).toBe(100);
});

test("a step that fails is told and left out, the others are sealed", async () => {
  const known: string[] = [];
  const { o, events, sealed } = phaseOf({
    group: { items: 100 },
    failed: (step, error) => known.push(`${step.id} ${error.code}`),
    run: async (n) => {
      if (n === 3) throw new LakeferryError("too large", { code: "too-large" });
      return { items: 1, bytes: 1 };
    },
  });
  await runPhase(o);
  expect(sealed.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
  expect(known).toEqual(["3 too-large"]);
  expect(events.filter((event) => event.type === "step-failed")).toEqual([
    expect.objectContaining({ step: "3", error: { code: "too-large", message: "too large" } }),
  ]);
});

test("an error that ends the run, or a seal that fails, takes no more steps and seals nothing more", async () => {
  const fatal = phaseOf({
    steps: 100,
    inFlight: 1,
    group: { items: 50 },
    run: async (n) => {
      if (n === 3) throw new LakeferryError("who are you", { code: "unauthenticated" });
      return { items: 1, bytes: 1 };
    },
  });
  await expect(runPhase(fatal.o)).rejects.toMatchObject({ code: "unauthenticated" });
  expect(fatal.sealed).toEqual([]);
  expect(fatal.taken.length).toBeLessThan(8);
  let seals = 0;
  const broken = phaseOf({
    steps: 100,
    group: { items: 5 },
    seal: async () => {
      if (++seals === 2) throw new LakeferryError("rejected", { code: "forbidden" });
    },
  });
  await expect(runPhase(broken.o)).rejects.toMatchObject({ code: "forbidden" });
  expect(broken.sealed.length).toBe(1);
  expect(seals).toBe(2);
});

test("an abort ends it without sealing what was at work", async () => {
  const given = phaseOf({
    steps: 100,
    group: { items: 1000 },
    run: async (n) => {
      if (n === 5) given.abort.abort(new Error("SIGINT"));
      await tick();
      return { items: 1, bytes: 1 };
    },
  });
  await expect(runPhase(given.o)).rejects.toBeDefined();
  expect(given.sealed).toEqual([]);
  expect(given.taken.length).toBeLessThan(20);
});

test("the journal hears only of sealed steps, its cursor only up to where every step is done", async () => {
  const appended: { steps: string[]; cursor: string | undefined }[] = [];
  const journal: Journal = {
    resumeAt: () => undefined,
    has: (_phase, step) => step.id === "1",
    append: async (_phase, done, cursor) => {
      appended.push({ steps: done.map((step) => step.id), cursor: cursor as string | undefined });
    },
    clear: async () => undefined,
  };
  const { o, sealed } = phaseOf({
    steps: 6,
    inFlight: 6,
    group: { items: 2 },
    journal,
    run: async (n) => {
      // The first step ends last: the cursor must wait for it.
      for (let i = 0; i < (n === 0 ? 20 : 1); i++) await tick();
      return { items: 1, bytes: 1 };
    },
  });
  await runPhase(o);
  expect(sealed.flat().sort()).toEqual([0, 2, 3, 4, 5]);
  expect(appended[0]!.cursor).toBeUndefined();
  expect(appended.at(-1)!.cursor).toBe("c5");
});

test("the journal does not hear of a step with a rejected item, and its cursor stays before it", async () => {
  const appended: string[] = [];
  const reached: (string | undefined)[] = [];
  const journal: Journal = {
    resumeAt: () => undefined,
    has: () => false,
    append: async (_phase, done, cursor) => {
      appended.push(...done.map((step) => step.id));
      reached.push(cursor);
    },
    clear: async () => undefined,
  };
  const { o, sealed } = phaseOf({
    steps: 4,
    inFlight: 1,
    journal,
    run: async (n) => ({
      items: 1,
      bytes: 1,
      ...(n === 2 ? { rejected: [{ item: "i", code: "forbidden", message: "no" }] } : {}),
    }),
  });
  await runPhase(o);
  expect(sealed.flat()).toEqual([0, 1, 2, 3]);
  expect(appended).toEqual(["0", "1", "3"]);
  expect(reached.at(-1)).toBe("c1");
});
