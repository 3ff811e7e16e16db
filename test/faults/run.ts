import { parseArgs } from "node:util";
import { gitFaults } from "./git-faults.ts";
import { randomKills, seamKills } from "./kills.ts";
import { Lab } from "./lab.ts";
import { overlaps } from "./overlaps.ts";
import { runTests } from "./suite.ts";
import { workspaceFaults } from "./workspace-faults.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "3" },
    notebooks: { type: "string", default: "1500" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const started = performance.now();
const lab = await Lab.open(Number(values.notebooks));
try {
  const { full, incremental } = { full: lab.clean("full"), incremental: lab.clean("incremental") };
  say(
    `A clean run: ${full.files} files in ${full.groups} pushes; after changes ${incremental.groups} pushes. Seed ${values.seed}.`,
  );
  const tests = [
    ...seamKills(lab),
    ...randomKills(lab, Number(values.kills), Number(values.seed)),
    ...overlaps(lab),
    ...workspaceFaults(lab),
    ...gitFaults(lab),
  ];
  const chosen = tests.filter(({ name }) => new RegExp(values.only ?? "").test(name));
  const { passed, failed } = await runTests(chosen, say);
  const seconds = Math.round((performance.now() - started) / 1000);
  say(
    `\n${passed} passed, ${failed.length} failed in ${seconds} s${failed.map((name) => `\n  ✗ ${name}`).join("")}`,
  );
  if (failed.length > 0 || passed === 0) process.exitCode = 1;
} finally {
  await lab.close();
}
