import type { Connector } from "../job/connections.ts";
import type { AnyJob, Family } from "../job/define-job.ts";
import { type DescribedInput, describeInputs, describeSettings } from "./described-inputs.ts";

/** One row for every job. */
export function jobsTable(families: readonly Family[]): string {
  return table(
    ["job", "command", "effect", "what it does"],
    families.flatMap((family) =>
      family.jobs.map((job) => [code(job.id), code(commandOf(family, job)), job.effect, `${job.summary}.`]),
    ),
  );
}

/** The inputs of every job: shown ones, then, folded away, those that are rarely needed. */
export function inputTables(families: readonly Family[], connectors: readonly Connector[]): string {
  return families
    .flatMap((family) => family.jobs)
    .map((job) => {
      const inputs = describeInputs(job, connectors);
      const parts = [
        `### \`${job.id}\``,
        "",
        sentence(job.description),
        "",
        inputTable(inputs.filter((one) => !one.advanced)),
      ];
      const advanced = inputs.filter((one) => one.advanced);
      if (advanced.length > 0)
        parts.push(
          "",
          "<details><summary>Rarely needed</summary>",
          "",
          inputTable(advanced),
          "",
          "</details>",
        );
      return parts.join("\n");
    })
    .join("\n\n");
}

/** The settings of every kind of connection, with the environment variables that fill them. */
export function connectionTables(connectors: readonly Connector[]): string {
  return connectors
    .map((connector) =>
      [
        `### \`${connector.type}\``,
        "",
        sentence(connector.summary),
        "",
        table(
          ["setting", "values", "default", "environment", "what it is"],
          describeSettings(connector).map((setting) => [
            code(setting.flag),
            values(setting),
            defaultText(setting),
            (connector.environment[setting.name] ?? []).map(code).join(", "),
            helpText(setting),
          ]),
        ),
      ].join("\n"),
    )
    .join("\n\n");
}

/**
 * Puts a text between `<!-- generated: name -->` and `<!-- end: name -->`.
 * @throws RangeError when the page has no such markers
 */
export function between(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new RangeError(`The page has no ${begin} … ${end}.`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

function inputTable(inputs: readonly DescribedInput[]): string {
  return table(
    ["input", "values", "default", "what it is"],
    inputs.map((input) => [code(input.flag), values(input), defaultText(input), helpText(input)]),
  );
}

const WRITTEN: Readonly<Record<DescribedInput["kind"], string>> = {
  text: "text",
  choice: "",
  toggle: "true, false",
  whole: "a number",
  list: "a list",
  percent: "a share",
  duration: "a duration",
  shard: "part/of",
  secret: "a secret",
};

function values(input: DescribedInput): string {
  if (input.choices) return input.choices.map(code).join(", ");
  if (input.connection) return `${code(input.connection)} connection`;
  const { min, max } = input;
  if (input.kind === "whole" && max !== undefined) return `${min ?? 0} to ${max}`;
  return WRITTEN[input.kind];
}

function defaultText({ default: word, required }: DescribedInput): string {
  if (required) return "required";
  return word === undefined || word === "" ? "" : code(word);
}

function helpText({ help, example }: DescribedInput): string {
  return `${sentence(help)}${example === undefined ? "" : ` Example: ${code(example)}`}`;
}

function commandOf(family: Family, job: AnyJob): string {
  return `lakeferry ${family.id} ${job.id.slice(family.id.length + 1)}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A cell on one line. What GitHub could take for a tag stands as an entity, outside of code. */
function cell(text: string): string {
  return text
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("|", "\\|")
    .replace(/<(?=[a-z])(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)/gi, "&lt;");
}
