import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSandbox } from "@lakeferry/sandbox";

/**
 * `npm run test:interop`: the official Python package `databricks-sdk`, in an environment of its own in a temporary
 * folder, works with the sandbox; then a backup that the command line made is compared with what that package exports,
 * object by object. Needs Python 3 with venv and a package index; LAKEFERRY_SKIP_INTEROP=1 leaves it out.
 */
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function skip(reason: string): never {
  const wanted = Boolean(process.env.LAKEFERRY_SKIP_INTEROP);
  process.stdout.write(`interop: ${wanted ? "SKIPPED" : "FAILED"}: ${reason}\n`);
  if (!wanted) process.stdout.write("Set LAKEFERRY_SKIP_INTEROP=1 to leave it out.\n");
  process.exit(wanted ? 0 : 1);
}

/** A Python with the package, or the end of the program. */
function python(folder: string): string {
  const found = ["python3", "python"].find((one) => spawnSync(one, ["--version"]).status === 0);
  if (!found) skip("there is no Python.");
  const venv = join(folder, "venv");
  if (spawnSync(found, ["-m", "venv", venv], { stdio: "ignore" }).status !== 0)
    skip("this Python makes no venv.");
  const own = join(venv, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "databricks-sdk"];
  // Packages of the caller's are none of this environment.
  const installed = spawnSync(own, pip, { encoding: "utf8", env: { ...process.env, PYTHONPATH: "" } });
  if (installed.status !== 0)
    skip(`databricks-sdk cannot be installed: ${installed.stderr.trim().split("\n").at(-1)}`);
  return own;
}

/** Runs a child while the sandbox of this process goes on serving. */
async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Promise<void> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: "inherit",
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}.`);
}

async function main(folder: string): Promise<void> {
  if (process.env.LAKEFERRY_SKIP_INTEROP) skip("LAKEFERRY_SKIP_INTEROP is set.");
  const py = python(folder);
  const sandbox = await startSandbox({
    tree: { notebooks: 150, hostile: true },
    directoryExport: "source-zip",
  });
  try {
    const env = { DATABRICKS_HOST: sandbox.url, DATABRICKS_TOKEN: sandbox.token };
    const script = (name: string, ...args: string[]) => run(py, [here(name), ...args], env, folder);
    const { url, token, clientId, clientSecret } = sandbox;
    await script("databricks_sdk_workspace.py", url, token, clientId, clientSecret);
    const work = join(folder, "work");
    mkdirSync(work);
    for (const format of ["SOURCE", "JUPYTER"]) {
      const repository = join(folder, `${format}.git`);
      execFileSync("git", ["init", "--bare", "--quiet", "--initial-branch=main", repository]);
      const backup = ["notebooks", "backup", "--destination", repository, "--format", format];
      await run(process.execPath, [here("../../core/src/cli/main.ts"), ...backup], env, work);
      await script("compare_backup.py", repository, format);
    }
  } finally {
    await sandbox.close();
  }
  process.stdout.write("interop: ok\n");
}

const folder = mkdtempSync(join(tmpdir(), "interop-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
try {
  await main(folder);
} catch (error) {
  process.stdout.write(`interop: FAILED: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
