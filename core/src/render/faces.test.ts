import { readFileSync } from "node:fs";
import type { Command, Option } from "commander";
import { describe, expect, test } from "vitest";
import { allJobs, definitions } from "../app/definitions.ts";
import { program } from "../cli/program.ts";
import { DEFAULT_RETENTION, DEFAULT_STATE } from "../config/config.ts";
import { configSchema } from "./config-schema.ts";
import { type DescribedInput, describeInputs } from "./described-inputs.ts";

/** An input as a face shows it, in one form for all of them. */
interface Shown {
  readonly default: string | undefined;
  readonly choices: readonly string[] | undefined;
  readonly advanced: boolean;
}

/** Of the run and not of its job: the same for every job. */
const RUN_FLAGS = ["config", "state", "dry-run", "take-over", "json", "report"];

describe.each(allJobs().map((job) => [job.id, job] as const))("%s", (id, job) => {
  const inputs = describeInputs(job, definitions.connectors);
  const wanted = Object.fromEntries(inputs.map((input) => [input.flag, shown(input)]));

  test("the command line has its inputs", () => {
    expect(fromCommandLine(id)).toEqual(wanted);
  });

  test("the schema of lakeferry.yml has its inputs", () => {
    const advanced = Object.fromEntries(inputs.map(({ flag, advanced }) => [flag, advanced ?? false]));
    expect(fromSchema(id, advanced)).toEqual(wanted);
  });

  test.each(["README.md", "core/README.md"])("%s has its inputs", (file) => {
    expect(fromReadme(file, id)).toEqual(wanted);
  });

  test("4 to 8 inputs are shown beside connections", () => {
    const own = inputs.filter((input) => !input.connection && !input.advanced);
    expect(own.length).toBeGreaterThanOrEqual(4);
    expect(own.length).toBeLessThanOrEqual(8);
  });

  test("its examples name inputs that it has", () => {
    for (const { with: given } of job.examples)
      expect([...Object.keys(wanted), ...RUN_FLAGS]).toEqual(expect.arrayContaining(Object.keys(given)));
  });

  test("no input is called like a flag of the run", () => {
    expect(inputs.filter(({ flag }) => RUN_FLAGS.includes(flag))).toEqual([]);
  });
});

function shown(input: DescribedInput): Shown {
  const { default: word, choices, advanced = false } = input;
  return { default: word === "" ? undefined : word, choices, advanced };
}

function fromCommandLine(id: string): Record<string, Shown> {
  const [family = "", ...verb] = id.split("-");
  const host = { env: {}, cwd: "/", signal: new AbortController().signal, now: () => 0, random: () => 0 };
  const command = sub(sub(program(host), family), verb.join("-"));
  const own = command.options.filter((option) => !RUN_FLAGS.includes(nameOf(option)));
  return Object.fromEntries(
    own.map((option) => {
      const said = /\(default: (.*)\)$/.exec(option.description)?.[1];
      const word = /<(.*)>/.exec(option.flags)?.[1];
      const toggle = word === undefined;
      return [
        nameOf(option),
        {
          default: toggle ? String(option.negate) : said,
          choices: word?.includes("|") ? word.split("|") : undefined,
          advanced: option.helpGroupHeading === "Advanced:",
        },
      ];
    }),
  );
}

function sub(command: Command, name: string): Command {
  return command.commands.find((one) => one.name() === name)!;
}

function nameOf(option: Option): string {
  return option.long!.replace(/^--(no-)?/, "");
}

function fromSchema(id: string, advanced: Readonly<Record<string, boolean>>): Record<string, Shown> {
  const schema = configSchema({ ...definitions, state: DEFAULT_STATE, retention: DEFAULT_RETENTION });
  // biome-ignore lint/suspicious/noExplicitAny: the schema is read as any JSON
  const inputs = (schema as any).definitions[`run-${id}`].properties.with.properties as Record<string, any>;
  return Object.fromEntries(
    Object.entries(inputs).map(([flag, { default: value, enum: words, description }]) => {
      expect(description.endsWith("(Rarely needed.)")).toBe(advanced[flag] ?? false);
      const toggle = words?.[0] === true;
      const word =
        value === undefined || (Array.isArray(value) && value.length === 0) ? undefined : String(value);
      return [
        flag,
        { default: word, choices: toggle ? undefined : words, advanced: advanced[flag] ?? false },
      ];
    }),
  );
}

function fromReadme(file: string, id: string): Record<string, Shown> {
  const page = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
  const section = page.split(`### \`${id}\`\n`)[1]!.split(/\n#|<!-- end/)[0]!;
  const [usual = "", rare = ""] = section.split("<details>");
  return { ...rows(usual, false), ...rows(rare, true) };
}

function rows(text: string, advanced: boolean): Record<string, Shown> {
  const bare = (word: string) => word.replaceAll("`", "");
  return Object.fromEntries(
    [...text.matchAll(/^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \|/gm)].map(
      ([, flag, values = "", word = ""]) => [
        flag!,
        {
          default: word === "" || word === "required" ? undefined : bare(word),
          choices: /^`[^`]*`(, `[^`]*`)+$/.test(values) ? values.split(", ").map(bare) : undefined,
          advanced,
        },
      ],
    ),
  );
}
