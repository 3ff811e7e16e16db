import { type Command, Option } from "commander";
import {
  type AnyJob,
  camel,
  type DescribedInput,
  definitions,
  describeInputs,
  findJob,
  type JobRequest,
  LakeferryError,
  loadConfig,
  runJob,
  splitList,
} from "../index.ts";
import type { CliHost } from "./cli-host.ts";
import { listener } from "./listener.ts";

/** What every run can be told, whatever its job. */
interface RunOptions {
  readonly config?: string;
  readonly state?: string;
  readonly dryRun?: boolean;
  readonly takeOver?: boolean;
  readonly json?: boolean;
  readonly report?: string;
}

/** `lakeferry <family> <verb>`: its flags are the job's inputs. */
export function addJob(parent: Command, family: string, job: AnyJob, host: CliHost): void {
  const inputs = describeInputs(job, definitions.connectors);
  const command = parent
    .command(job.id.slice(family.length + 1))
    .summary(job.summary)
    .description(`${job.summary}.\n\n${job.description}`);
  for (const input of inputs)
    command.addOption(flag(input).helpGroup(input.advanced ? "Advanced:" : "Inputs:"));
  addRunOptions(command, job.effect !== "reads");
  command.addHelpText("after", examples(job));
  command.action(async (given: Record<string, unknown>) => {
    const values = Object.fromEntries(
      inputs.filter(({ name }) => given[name] !== undefined).map(({ name }) => [name, given[name]]),
    );
    await start({ job: job.id, values }, given as RunOptions, host);
  });
}

/** `lakeferry run <name>`: an entry of `lakeferry.yml`. */
export function addRun(root: Command, host: CliHost): void {
  const command = root
    .command("run")
    .argument("<name>", "an entry of runs: in lakeferry.yml")
    .description("Run an entry of lakeferry.yml");
  const override = (text: string, before: Record<string, string> = {}) => {
    const [input = "", ...value] = text.split("=");
    return { ...before, [camel(input)]: value.join("=") };
  };
  command.addOption(
    new Option("--with <input=value>", "another value of an input for this run, such as --with shard=2/8")
      .argParser(override)
      .helpGroup("Inputs:"),
  );
  addRunOptions(command, true);
  command.action(async (name: string, options: RunOptions & { with?: Record<string, string> }) => {
    const config = await loadConfig(options.config, host.cwd);
    const entry = config?.runs.get(name);
    if (!entry) {
      const known = [...(config?.runs.keys() ?? [])];
      throw new LakeferryError(`There is no run "${name}".`, {
        code: "invalid-input",
        hint:
          known.length > 0
            ? `lakeferry.yml has ${known.join(", ")}.`
            : "lakeferry.yml has no runs; add one under runs:.",
      });
    }
    const { with: overrides, ...rest } = options;
    await start({ job: entry.job, values: { ...entry.values, ...overrides }, entry: name }, rest, host);
  });
}

async function start(
  what: Pick<JobRequest, "job" | "values" | "entry">,
  options: RunOptions,
  host: CliHost,
): Promise<void> {
  const config = await loadConfig(options.config, host.cwd);
  const { job } = findJob(what.job);
  const say = listener({ json: options.json ?? false, dryRun: options.dryRun ?? false, job, now: host.now });
  const { config: _file, report: reportFile, json: _json, ...rest } = options;
  const result = await runJob(
    { ...what, ...(config ? { config } : {}), ...pick(rest), dryRun: options.dryRun ?? false },
    { ...host, say: say.take },
  );
  await say.finish(result, reportFile);
  process.exitCode = result.exitCode;
}

function pick(options: RunOptions): { state?: string; takeOver?: boolean } {
  return {
    ...(options.state ? { state: options.state } : {}),
    ...(options.takeOver ? { takeOver: true } : {}),
  };
}

function flag(input: DescribedInput): Option {
  const help = `${input.help}${input.example ? `, such as ${input.example}` : ""}${input.required ? " (required)" : ""}`;
  if (input.kind === "toggle") {
    const off = input.default === "true";
    return new Option(off ? `--no-${input.flag}` : `--${input.flag}`, off ? `Not: ${help}` : help).default(
      undefined,
    );
  }
  const option = new Option(
    `--${input.flag} <${input.choices ? input.choices.join("|") : input.connection ? "name or address" : input.kind}>`,
    input.default ? `${help} (default: ${input.default})` : help,
  );
  return input.kind === "list"
    ? option.argParser((value: string, before: string[] | undefined) => [
        ...(before ?? []),
        ...splitList(value),
      ])
    : option;
}

function addRunOptions(command: Command, writes: boolean): void {
  const options = [
    new Option("--config <file>", "the configuration (default: lakeferry.yml)"),
    new Option("--state <location>", "where run records are kept, file:<folder> (default: file:.lakeferry)"),
    ...(writes ? [new Option("--dry-run", "plan only: say what would be done; nothing is written")] : []),
    ...(writes
      ? [new Option("--take-over", "take the target from another run that is known to be dead")]
      : []),
    new Option("--json", "one JSON event a line on standard output"),
    new Option("--report <file>", "write the report in Markdown to a file"),
  ];
  for (const option of options) command.addOption(option.helpGroup("Run:"));
}

function examples(job: AnyJob): string {
  const name = `lakeferry ${job.id.replace("-", " ")}`;
  const quoted = (value: string) => (/^[\w./:@%-]+$/.test(value) ? value : `'${value}'`);
  const lines = job.examples.map(
    ({ title, with: given }) =>
      `  # ${title}\n  ${[name, ...Object.entries(given).map(([key, value]) => (value === "true" ? `--${key}` : `--${key} ${quoted(value)}`))].join(" ")}`,
  );
  return lines.length > 0 ? `\nExamples:\n${lines.join("\n\n")}` : "";
}
