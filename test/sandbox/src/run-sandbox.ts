import { Command, InvalidArgumentError, Option } from "commander";
import { type SandboxOptions, startSandbox } from "./sandbox.ts";

/** The flags of `lakeferry sandbox` and of this package's own command line. */
export interface SandboxFlags {
  port?: number;
  folder?: string;
  load?: string;
  notebooks?: number;
  engagements?: number;
  seed?: number;
  big?: boolean;
  hostile?: boolean;
  warm?: "none" | "source-zip" | "dbc" | "both";
  rateLimits?: boolean;
  directoryExport?: "source-zip" | "dbc";
  token?: string;
  json?: boolean;
}

/**
 * Starts a sandbox, prints how to reach it (one line of JSON with `json`), and resolves when the signal aborts and the
 * sandbox is closed and, with a folder, persisted.
 */
export async function runSandbox(
  flags: SandboxFlags,
  signal: AbortSignal,
  print: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Promise<void> {
  const options: SandboxOptions = { port: flags.port ?? 0, rateLimits: flags.rateLimits ?? false };
  if (flags.folder !== undefined) options.folder = flags.folder;
  if (flags.directoryExport) options.directoryExport = flags.directoryExport;
  if (flags.token !== undefined) options.tokens = { token: flags.token };
  if (flags.notebooks) {
    const { notebooks, engagements, seed, big = false, hostile = false, warm = "none" } = flags;
    options.tree = { notebooks, seed: seed ?? 1, big, hostile, warm };
    if (engagements) options.tree.engagements = engagements;
  }
  const sandbox = await startSandbox(options);
  if (flags.load !== undefined) await sandbox.load(flags.load);
  const { url, token, clientId, clientSecret } = sandbox;
  if (flags.json) print(JSON.stringify({ url, token, clientId, clientSecret, pid: process.pid }));
  else
    print(
      `url            ${url}\ntoken          ${token}\nclient id      ${clientId}\nclient secret  ${clientSecret}`,
    );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await sandbox.close();
}

const whole = (value: string): number => {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("It is a whole number.");
  return Number(value);
};

/** The command, for this package's own command line and for a host that adds it as a subcommand. */
export function sandboxCommand(signal: () => AbortSignal): Command {
  return new Command("sandbox")
    .description(
      "Serves a Databricks workspace on loopback, with its limits and its faults, without any account.",
    )
    .option("--port <n>", "port to listen on (default: a free one)", whole)
    .option("--folder <path>", "keeps the workspace here across runs")
    .option("--load <path>", "loads this directory tree into the workspace")
    .option("--notebooks <n>", "generates this many notebooks and files", whole)
    .option(
      "--engagements <n>",
      "spreads them over this many engagement folders (default: one for every 50)",
      whole,
    )
    .option("--seed <n>", "the seed of the generator", whole, 1)
    .option("--big", "generates objects and a folder above the size limit")
    .option("--hostile", "generates names that break careless clients")
    .addOption(
      new Option("--warm <form>", "compresses before serving").choices(["none", "source-zip", "dbc", "both"]),
    )
    .option("--rate-limits", "limits exports to 60 and imports to 30 per second")
    .addOption(
      new Option("--directory-export <form>", "what a directory's SOURCE export gives").choices([
        "source-zip",
        "dbc",
      ]),
    )
    .option("--token <token>", "the personal access token (default: a random one)")
    .option("--json", "prints one line of JSON")
    .action((flags: SandboxFlags) => runSandbox(flags, signal()));
}
