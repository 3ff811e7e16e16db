import { expect, test } from "vitest";
import type { AnyJob } from "../job/define-job.ts";
import { type Equation, equationSide } from "../job/equation.ts";
import { LakeferryError } from "../job/errors.ts";
import type { RunEvent } from "../job/events.ts";
import { execute } from "./execute.ts";

/** Runs a job made of these parts. */
async function executed(parts: Partial<AnyJob>, signal = new AbortController().signal) {
  const events: RunEvent[] = [];
  let cleared = 0;
  const job = { id: "j", effect: "writes", phases: [], prepare: async () => ({}), ...parts } as AnyJob;
  const outcome = await execute({
    job,
    inputs: {},
    connections: {},
    run: { id: "r", job: "j", startedAt: new Date(0), retentionMs: 1 },
    dryRun: false,
    journal: {
      resumeAt: () => undefined,
      has: () => false,
      append: async () => undefined,
      clear: async () => {
        cleared += 1;
      },
    },
    store: { location: "memory" } as never,
    section: undefined,
    lease: { ttlMs: 1000, takeOver: false, group: "r" },
    signal,
    abort: () => undefined,
    now: () => 0,
    random: () => 0,
    say: (event) => events.push(event),
  });
  const finished = events.find((event) => event.type === "finished")!;
  const warnings = events.filter((event) => event.type === "warning").map(({ text }) => text);
  return { outcome, error: finished.error, warnings, cleared };
}

const unequal: Equation[] = [
  { name: "objects", left: equationSide("a", 2, "source"), right: [equationSide("b", 1, "destination")] },
];

test("what says that the run succeeded is taken back when the counts differ or cannot be had", async () => {
  let retracted = 0;
  const retract = async () => {
    retracted += 1;
  };
  const differ = await executed({ retract, reconcile: async () => unequal });
  expect([retracted, differ.outcome, differ.error?.code]).toEqual([1, "failed", "unbalanced"]);
  // The journal calls something done that is not there.
  expect(differ.cleared).toBe(1);
  const unknown = await executed({
    retract,
    reconcile: async () => {
      throw new LakeferryError("no answer", { code: "unavailable" });
    },
  });
  expect([retracted, unknown.outcome, unknown.error?.code]).toEqual([2, "failed", "unavailable"]);
});

test("a retraction that fails is a warning, and the first error stays", async () => {
  const { error, warnings } = await executed({
    reconcile: async () => unequal,
    retract: async () => {
      throw new LakeferryError("the tag is protected", { code: "forbidden" });
    },
  });
  expect(error?.code).toBe("unbalanced");
  expect(warnings).toEqual([expect.stringContaining("the tag is protected")]);
});

test("a job says in its own words that its counts differ", async () => {
  const { error } = await executed({
    unbalanced: { message: "They are not the same.", hint: "Look at both." },
    reconcile: async () => unequal,
  });
  expect(error).toMatchObject({
    message: expect.stringMatching(/^They are not the same\. objects: a 2 ≠ b 1\.$/),
    hint: "Look at both.",
  });
});
