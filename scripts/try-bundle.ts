import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root, runNode } from "./run-tool.ts";

const STARTS = 7;

/** Runs the bundle as it is installed, from an empty folder: help, and a backup of the sandbox that it brings along. @throws when it fails */
export async function tryBundle(dist: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lakeferry bundle "));
  try {
    const installed = join(folder, "installed");
    const empty = join(folder, "empty");
    await mkdir(empty);
    await cp(dist, join(installed, "dist"), { recursive: true });
    await cp(join(root, "core", "package.json"), join(installed, "package.json"));
    const main = join(installed, "dist", "lakeferry.js");
    await tryHelp(main, empty);
    await tryBackup(main, empty);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function tryHelp(main: string, cwd: string): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const { code, output, seconds } = await runNode([main, "--help"], { cwd, env: bare() });
    if (code !== 0 || !output.includes("Exit codes:")) throw new Error(`--help fails:\n${output}`);
    times.push(seconds * 1000);
  }
  times.sort((a, b) => a - b);
  console.log(
    `--help takes ${times[Math.floor(STARTS / 2)]!.toFixed(0)} ms (median of ${STARTS}; least ${times[0]!.toFixed(0)} ms; Node ${process.versions.node})`,
  );
}

async function tryBackup(main: string, cwd: string): Promise<void> {
  const sandbox = spawn(process.execPath, [main, "sandbox", "--notebooks", "60", "--json"], {
    cwd,
    env: bare(),
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const { url, token } = await firstLine(sandbox);
    await mkdir(join(cwd, "backup.git"));
    const repository = await run("git", ["init", "--quiet", "--bare", "backup.git"], cwd);
    if (repository !== 0) throw new Error("git init fails.");
    const { code, output, seconds } = await runNode(
      [main, "notebooks", "backup", "--source", url, "--destination", "./backup.git"],
      { cwd, env: { ...bare(), DATABRICKS_TOKEN: token } },
    );
    if (code !== 0) throw new Error(`A backup by the bundle fails:\n${output}`);
    console.log(`A backup of 60 notebooks from an empty folder takes ${seconds.toFixed(1)} s`);
  } finally {
    const ended = sandbox.exitCode === null ? once(sandbox, "exit") : undefined;
    sandbox.kill();
    await ended;
  }
}

async function firstLine(child: ChildProcess): Promise<{ url: string; token: string }> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line);
  throw new Error("The sandbox of the bundle does not start.");
}

async function run(command: string, args: readonly string[], cwd: string): Promise<number> {
  const [code] = await once(spawn(command, args, { cwd, stdio: "inherit" }), "exit");
  return code;
}

/** The environment without what npm and a user's own configuration would add. */
function bare(): NodeJS.ProcessEnv {
  const kept = ["PATH", "Path", "SystemRoot", "TEMP", "TMP", "TMPDIR", "HOME", "USERPROFILE", "PATHEXT"];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
