import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { SandboxProcess } from "../test/harness/sandbox-process.ts";
import { root } from "./run-tool.ts";

/**
 * `npm run demo`: a backup from beginning to end, with no account: a workspace on this machine, a git repository, the
 * command line as a user types it. Fails when anything is not as it must be.
 */
const NOTEBOOKS = 2000;
const ENGAGEMENT = "/Clients/2024/ENG-020";
const CHANGES = { seed: 1, changed: 25, deleted: 3, renamed: 2, added: 4 };

const folder = resolve(".lakeferry-demo");
const repository = join(folder, "backup.git");
const cli = join(root, "core/src/cli/main.ts");
const started = performance.now();
const tty = process.stdout.isTTY === true;
const bold = (text: string) => (tty ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string) => (tty ? `\u001b[2m${text}\u001b[0m` : text);
const say = (text = "") => process.stdout.write(`${text}\n`);

let sandbox: SandboxProcess | undefined;
let running: ChildProcess | undefined;
let steps = 0;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    running?.kill("SIGTERM");
    await sandbox?.close();
    process.exit(130);
  });
}

try {
  await demo();
} catch (error) {
  say(`\n✗ The demo went wrong: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  running?.kill("SIGTERM");
  await sandbox?.close();
}

async function demo(): Promise<void> {
  step(`A workspace of ${NOTEBOOKS.toLocaleString("en")} notebooks, on this machine and without an account`);
  sandbox = await SandboxProcess.start(["--notebooks", String(NOTEBOOKS)]);
  prepareFolder(sandbox.url);
  say(
    `  It listens at ${sandbox.url}. ${relative(process.cwd(), folder)}/lakeferry.yml says what is backed up.`,
  );

  step("The first backup: everything");
  await lakeferry("run", "nightly");
  const first = git("rev-parse", "main");

  step("People work: some notebooks are changed, renamed, deleted, added");
  const { changed, deleted, renamed, added } = await sandbox.mutate(CHANGES);
  say(
    `  ${changed.length} changed, ${renamed.length} renamed, ${deleted.length} deleted, ${added.length} added`,
  );

  step("The second backup: only what changed");
  await sandbox.resetStats();
  await lakeferry("run", "nightly");
  const exports = (await sandbox.stats()).requests["GET /api/2.0/workspace/export"] ?? 0;
  const second = git("rev-parse", "main");
  const differing = git(
    "diff",
    "--name-status",
    "--find-renames=100%",
    first,
    second,
    "--",
    ".",
    ":!.lakeferry",
    ":!README.md",
  );
  assert(
    counts(differing) === `${added.length} A, ${deleted.length} D, ${changed.length} M, ${renamed.length} R`,
    `git says ${counts(differing)}`,
  );

  step("Is the backup what the workspace has? Everything is exported again and compared");
  await lakeferry("notebooks", "verify", "--source", "workspace", "--backup", "backup");

  step(`One engagement is restored beside the others, from ${ENGAGEMENT} to /Restored`);
  await lakeferry(
    ...["notebooks", "restore", "--backup", "backup", "--destination", "workspace"],
    ...["--include", `${ENGAGEMENT}/**`, "--target", "/Restored"],
  );
  const original = await contents(ENGAGEMENT);
  const restored = await contents(`/Restored${ENGAGEMENT.slice("/Clients".length)}`);
  assert(original.length > 0 && original.join() === restored.join(), "what was restored differs");

  step("When was the last good backup?");
  await lakeferry("status", "--max-age", "26h");

  summary({ first, second, exports, restored: restored.length });
}

function step(text: string): void {
  say(`\n${bold(`${++steps}. ${text}`)}`);
}

/** A folder as a user has one: a configuration and a repository to push to. */
function prepareFolder(url: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(folder, { recursive: true });
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", repository]);
  writeFileSync(
    join(folder, "lakeferry.yml"),
    `connections:
  workspace:
    type: databricks
    host: ${url}
    token: \${DATABRICKS_TOKEN}
  backup:
    type: git
    url: ./backup.git

runs:
  nightly:
    job: notebooks-backup
    schedule: "0 2 * * *"
    with:
      source: workspace
      destination: backup
      path: /Clients
`,
  );
}

/** Runs the command line in the folder, and shows what it says. @throws Error when it does not succeed */
function lakeferry(...args: string[]): Promise<void> {
  say(dim(`  $ lakeferry ${args.map((arg) => (/^[\w./:-]+$/.test(arg) ? arg : `'${arg}'`)).join(" ")}`));
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { ...process.env, DATABRICKS_TOKEN: sandbox!.token },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running = child;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text.replace(/^(?=.)/gm, "  "));
  });
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => {
      running = undefined;
      if (code === 0) done();
      else failed(new Error(`lakeferry ${args[0]} ${args[1] ?? ""} ended with exit code ${code}`));
    });
  });
}

function git(...args: string[]): string {
  return execFileSync("git", ["--git-dir", repository, ...args], { encoding: "utf8" }).trim();
}

/** `4 A, 3 D` of the lines of `git diff --name-status`. */
function counts(lines: string): string {
  const groups = Map.groupBy(lines.split("\n").filter(Boolean), (line) => line[0]!);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, all]) => `${all.length} ${kind}`)
    .join(", ");
}

/** Name and SHA-256 of what is below a workspace folder. */
async function contents(path: string): Promise<string[]> {
  const objects = await sandbox!.tree(path);
  return objects
    .filter(({ object_type }) => object_type !== "DIRECTORY")
    .map((object) => `${object.path.slice(path.length)} ${object.sha256}`)
    .sort();
}

function assert(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function summary(o: { first: string; second: string; exports: number; restored: number }): void {
  const here = relative(process.cwd(), folder) || ".";
  const gitHere = `git --git-dir ${here}/backup.git`;
  const files = git("ls-tree", "-r", "--name-only", o.first).split("\n").length;
  const engagement = ENGAGEMENT.slice("/Clients/".length);
  say(`
${bold(`✓ All of it was right, in ${Math.round((performance.now() - started) / 1000)} seconds.`)}

  first backup    ${git("rev-list", "--count", o.first)} commits, ${files.toLocaleString("en")} files
  second backup   ${o.exports} exports instead of ${NOTEBOOKS.toLocaleString("en")}: ${counts(git("diff", "--name-status", o.first, o.second, "--", ".", ":!.lakeferry", ":!README.md"))}
  verified        every object, byte for byte
  restored        ${o.restored} objects of ${engagement}

  To look at:
    ${here}/lakeferry.yml            what was configured
    ${here}/backup.git               the backup, a git repository
    ${here}/.lakeferry/runs/         a record and a report of each run

  To try:
    ${gitHere} log --stat --max-count=3
    ${gitHere} show main:README.md
    ${gitHere} log --oneline main -- '${engagement}'
    ${gitHere} diff --stat ${o.first.slice(0, 10)} ${o.second.slice(0, 10)}
    npm run lakeferry -- sandbox --help     a workspace of your own to try with
    npm run lakeferry -- notebooks backup --help`);
}
