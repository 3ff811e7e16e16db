import { parseArgs } from "node:util";
import { gitFaults } from "./git-faults.ts";
import { randomKills, seamKills } from "./kills.ts";
import { Lab } from "./lab.ts";
import { overlaps } from "./overlaps.ts";
import { type FaultTest, runTests } from "./suite.ts";
import { workspaceFaults } from "./workspace-faults.ts";

const { values } = parseArgs({
  options: {
    /** Kills at random times, beside those at the seams. */
    kills: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    /** `kills` or `faults`; both without it. */
    part: { type: "string" },
    /** A regular expression for the names of the tests to run. */
    only: { type: "string", default: "" },
  },
});
const only = new RegExp(values.only);
const say = (line: string) => process.stdout.write(`${line}\n`);
const started = performance.now();
const failed: string[] = [];
let passed = 0;

/** Kills and overlaps need many pushes; the other faults need only one backup each, of few objects. */
const PARTS: Readonly<Record<string, { objects: number; tests(lab: Lab): readonly FaultTest[] }>> = {
  kills: {
    objects: 1500,
    tests: (lab) => [
      ...seamKills(lab),
      ...randomKills(lab, Number(values.kills), Number(values.seed)),
      ...overlaps(lab),
    ],
  },
  faults: { objects: 500, tests: (lab) => [...workspaceFaults(lab), ...gitFaults(lab)] },
};

for (const [name, { objects, tests }] of Object.entries(PARTS)) {
  if (values.part !== undefined && values.part !== name) continue;
  const lab = await Lab.open(objects);
  try {
    const [full, incremental] = [lab.clean("full"), lab.clean("incremental")];
    say(
      `${name}: a clean run writes ${full.files} files in ${full.groups} pushes; after changes, ${incremental.groups} pushes. Seed ${values.seed}.`,
    );
    const chosen = tests(lab).filter((test) => only.test(test.name));
    const result = await runTests(chosen, say);
    passed += result.passed;
    failed.push(...result.failed);
  } finally {
    await lab.close();
  }
}
const seconds = Math.round((performance.now() - started) / 1000);
say(
  `\n${passed} passed, ${failed.length} failed in ${seconds} s${failed.map((name) => `\n  ✗ ${name}`).join("")}`,
);
if (failed.length > 0 || passed === 0) process.exitCode = 1;
