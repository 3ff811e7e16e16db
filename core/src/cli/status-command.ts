import type { Command } from "commander";
import {
  type EntryStatus,
  LakeferryError,
  loadConfig,
  parseDuration,
  status,
  timeSpan,
  tooOld,
} from "../index.ts";
import type { CliHost } from "./cli-host.ts";

interface StatusOptions {
  readonly config?: string;
  readonly state?: string;
  readonly maxAge?: string;
  readonly json?: boolean;
}

/** `lakeferry status`: the last success of each entry, asked from its destination. */
export function addStatus(root: Command, host: CliHost): void {
  root
    .command("status")
    .argument("[name]", "one entry of lakeferry.yml")
    .description("Say when each entry of lakeferry.yml last succeeded, asking the destination")
    .option("--max-age <duration>", "exit 1 when a last success is older, such as 26h")
    .option("--config <file>", "the configuration (default: lakeferry.yml)")
    .option("--state <location>", "where run records are kept (default: as configured)")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, options: StatusOptions) => {
      const config = await loadConfig(options.config, host.cwd);
      if (!config)
        throw new LakeferryError("There is no lakeferry.yml here.", {
          code: "invalid-input",
          hint: "Run in its folder, or name it with --config.",
        });
      if (name !== undefined && !config.runs.has(name))
        throw new LakeferryError(`There is no run "${name}" in lakeferry.yml.`, {
          code: "invalid-input",
          hint: `It has ${[...config.runs.keys()].join(", ") || "no runs"}.`,
        });
      const maxAge = options.maxAge === undefined ? undefined : parseDuration(options.maxAge);
      if (options.maxAge !== undefined && maxAge === undefined)
        throw new LakeferryError(`--max-age "${options.maxAge}" is not a duration.`, {
          code: "invalid-input",
          hint: "Write for instance 26h.",
        });
      const entries = await status(
        config,
        { ...host, say: () => undefined },
        { ...(options.state ? { state: options.state } : {}), ...(name ? { only: name } : {}) },
      );
      process.stdout.write(
        options.json
          ? `${JSON.stringify(entries, null, 2)}\n`
          : entries.map((entry) => `${text(entry)}\n`).join("\n"),
      );
      const late = maxAge === undefined ? entries.filter((e) => e.error) : tooOld(entries, maxAge);
      if (maxAge !== undefined)
        for (const entry of late)
          process.stderr.write(
            `${entry.name}: ${entry.error?.message ?? `the last success is ${entry.age === undefined ? "missing" : `${timeSpan(entry.age / 1000)} old`}, older than ${options.maxAge}`}\n`,
          );
      if (late.length > 0) process.exitCode = 1;
    });
}

function text(entry: EntryStatus): string {
  const { observed, lastRun } = entry;
  const lines = [`${entry.name}  (${entry.job})`];
  if (entry.error)
    lines.push(`  ✗ ${entry.error.message}`, ...(entry.error.hint ? [`    → ${entry.error.hint}`] : []));
  if (observed)
    lines.push(
      observed.lastSuccess
        ? `  last success  ${observed.lastSuccess.toISOString()}, ${timeSpan(entry.age! / 1000)} ago (${observed.from})`
        : `  last success  none (${observed.from})`,
    );
  for (const { label, value } of observed?.facts ?? []) lines.push(`  ${label.padEnd(12)}  ${value}`);
  if (lastRun) lines.push(`  last run      ${lastRun.outcome} at ${lastRun.finishedAt} (${lastRun.run})`);
  if (entry.nextRun) lines.push(`  next          ${entry.nextRun.toISOString()} (${entry.schedule}, UTC)`);
  if (observed?.next) lines.push(`  → ${observed.next}`);
  return lines.join("\n");
}
