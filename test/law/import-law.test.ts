import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, runNode, toolOf } from "../../scripts/run-tool.ts";

const value = "export const value = 1;\nexport type Value = typeof value;\n";
const importing = (from: string) => `import { value } from "${from}";\nexport const other = value;\n`;

/** A tree that keeps the law, as far as these imports go. */
const lawful: Readonly<Record<string, string>> = {
  "core/src/job/job.ts": importing("zod"),
  "core/src/runtime/execute.ts": importing("../job/job.ts"),
  "core/src/connectors/git/port.ts": value,
  "core/src/connectors/git/git.ts": importing("./port.ts"),
  "core/src/connectors/s3/s3.ts": importing("../../job/job.ts"),
  "core/src/families/files/family.ts":
    'import type { Value } from "../../connectors/git/port.ts";\nexport type V = Value;\n',
  "core/src/families/cosmos/family.ts": importing("../../job/job.ts"),
  "core/src/families/cosmos/family.test.ts": importing("../../connectors/git/git.ts"),
  "core/src/config/config.ts": importing("../job/job.ts"),
  "core/src/render/render.ts": importing("../job/job.ts"),
  "core/src/app/app.ts": `${importing("../runtime/execute.ts")}export * as c from "../connectors/git/git.ts";\n`,
  "core/src/index.ts": 'export { other } from "./app/app.ts";\n',
  "core/src/cli/main.ts": 'import { other } from "../index.ts";\nexport const more = other;\n',
  "core/src/cli/sandbox-command.ts":
    'export const sandbox = () => import("../../../test/sandbox/src/index.ts");\n',
  "core/src/mcp/main.ts": value,
  "extension/src/extension.ts": importing("vscode"),
  "test/sandbox/src/index.ts": value,
};

/** For each rule of the law, a file that breaks it. */
const broken: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "job-imports-zod-alone": ["core/src/job/wrong.ts", importing("node:fs")],
  "runtime-imports-job": ["core/src/runtime/wrong.ts", importing("../connectors/git/git.ts")],
  "connector-imports-job": ["core/src/connectors/s3/wrong.ts", importing("../git/git.ts")],
  "family-imports-job": ["core/src/families/files/wrong.ts", importing("../cosmos/family.ts")],
  "family-imports-connector-types": [
    "core/src/families/files/wrong-value.ts",
    importing("../../connectors/git/port.ts"),
  ],
  "config-imports-job": ["core/src/config/wrong.ts", importing("../runtime/execute.ts")],
  "render-imports-job": ["core/src/render/wrong.ts", importing("../app/app.ts")],
  "app-imports-no-host": ["core/src/app/wrong.ts", importing("../cli/main.ts")],
  "host-imports-public-surface": ["core/src/cli/wrong.ts", importing("../app/app.ts")],
  "host-imports-no-other-host": ["core/src/cli/wrong-host.ts", importing("../mcp/main.ts")],
  "sandbox-imports-nothing-of-core": ["test/sandbox/src/wrong.ts", importing("../../../core/src/index.ts")],
  "core-loads-sandbox-lazily": [
    "core/src/cli/wrong-lazy.ts",
    'export const s = () => import("../../../test/sandbox/src/index.ts");\n',
  ],
  "sandbox-command-loads-sandbox-lazily": [
    "core/src/cli/sandbox-command.ts",
    importing("../../../test/sandbox/src/index.ts"),
  ],
  "vscode-in-the-extension": ["core/src/app/wrong-editor.ts", importing("vscode")],
  resolves: ["core/src/app/wrong-path.ts", importing("./nowhere.ts")],
};

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-law-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function cruise(name: string, files: Readonly<Record<string, string>>): Promise<Report["summary"]> {
  const at = join(folder, name);
  const all = {
    ...files,
    "node_modules/zod/index.js": value,
    "node_modules/zod/package.json": '{"name":"zod","type":"module","main":"index.js"}',
    "package.json": '{"type":"module","dependencies":{"zod":"4"}}',
  };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(dirname(join(at, file)), { recursive: true });
    await writeFile(join(at, file), text);
  }
  await cp(join(root, "tsconfig.json"), join(at, "tsconfig.json"));
  const { output } = await runNode(
    [
      toolOf("dependency-cruiser", "depcruise"),
      "--config",
      join(root, ".dependency-cruiser.mjs"),
      "--output-type",
      "json",
      "core",
      "test",
      "extension",
    ],
    { cwd: at },
  );
  return (JSON.parse(output) as Report).summary;
}

test("the law lets through what is right", async () => {
  expect((await cruise("lawful", lawful)).violations).toEqual([]);
}, 60_000);

test("every rule of the law catches what breaks it", async () => {
  const { violations, ruleSetUsed } = await cruise("broken", {
    ...lawful,
    ...Object.fromEntries(Object.values(broken)),
  });
  const caught = (rule: string, file: string) =>
    violations.some((one) => one.rule.name === rule && one.from === file);
  expect(ruleSetUsed.forbidden.map(({ name }) => name).sort()).toEqual(Object.keys(broken).sort());
  for (const [rule, [file]] of Object.entries(broken))
    expect([rule, file, caught(rule, file)]).toEqual([rule, file, true]);
}, 60_000);
