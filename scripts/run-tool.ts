import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** The script behind a command of an installed package: it runs on every system without a shell. */
export function toolOf(name: string, command: string = name): string {
  const folder = new URL(`../node_modules/${name}/`, import.meta.url);
  const { bin } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as {
    bin: string | Record<string, string>;
  };
  const file = typeof bin === "string" ? bin : bin[command];
  if (file === undefined || !existsSync(new URL(file, folder))) throw new Error(`${name} has no ${command}.`);
  return fileURLToPath(new URL(file, folder));
}

export interface Ran {
  readonly code: number;
  /** Standard output and error as they came; empty when they were inherited. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a script by this very Node, to its end. Never throws for an exit code. */
export function runNode(args: readonly string[], options: SpawnOptions = {}): Promise<Ran> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({ code: code ?? 1, output, seconds: (performance.now() - since) / 1000 }),
    );
  });
}
