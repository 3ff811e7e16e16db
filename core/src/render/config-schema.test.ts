import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { definitions } from "../app/definitions.ts";
import { DEFAULT_RETENTION, DEFAULT_STATE, type Definitions, readConfig } from "../config/config.ts";
import type { Family } from "../job/define-job.ts";
import { configSchema, configSchemaText } from "./config-schema.ts";

/** A family with a section, as those that follow will have. */
const datasets: Family = {
  id: "datasets",
  summary: "Bring files into tables",
  section: z.strictObject({
    files: z.array(
      z.strictObject({ name: z.string().min(1), mode: z.enum(["replace", "append"]).default("append") }),
    ),
  }),
  jobs: [],
  observe: async () => undefined,
  troubleshooting: [],
};
const known: Definitions = { ...definitions, families: [...definitions.families, datasets] };
const accepts = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
  configSchema({ ...known, state: DEFAULT_STATE, retention: DEFAULT_RETENTION }),
);

const connections = `
connections:
  workspace: { type: databricks, host: "\${DATABRICKS_HOST}", token: "{{secrets/ferry/token}}" }
  backup: { type: git, url: https://git.example.com/notebooks.git, token: "\${GIT_TOKEN}" }`;
const run = (text: string) => `${connections}\nruns:\n  nightly:\n${text.replace(/^/gm, "    ")}`;
const given = (text: string) =>
  run(
    `job: notebooks-backup\nwith:\n  source: workspace\n  destination: backup\n${text.replace(/^/gm, "  ")}`,
  );

const good: Readonly<Record<string, string>> = {
  nothing: "",
  "empty sections": "connections:\nruns:\nstate:\nretention:",
  "state and retention": "state: file:/var/lib/lakeferry\nretention: 12w",
  connections,
  "a number of a setting": "connections: { a: { type: databricks, connections: 8 } }",
  "a number from the environment": `connections: { a: { type: databricks, connections: "\${POOL}" } }`,
  "a choice from the environment": `connections: { a: { type: databricks, auth-type: "\${AUTH}" } }`,
  "a run without inputs": run("job: notebooks-backup"),
  "an empty with": run("job: notebooks-verify\nwith:"),
  "a schedule": run('job: notebooks-backup\nschedule: "0 2 * * *"'),
  "an address": run("job: notebooks-backup\nwith: { destination: ./backup.git }"),
  "a list": given("include: [/Clients/2024/**, /Clients/2025/**]"),
  "a list in one line": given("include: /Clients/2024/**, /Clients/2025/**"),
  "a toggle": given("archives: false"),
  "a toggle in words": given('archives: "false"'),
  "a number": given("commit-size: 500"),
  "a quoted number": given('commit-size: "500"'),
  "a duration": given("max-age: 36h"),
  "a shard": given("shard: 2/8"),
  "a choice": given("format: JUPYTER"),
  "a percentage": run("job: notebooks-verify\nwith: { sample: 2.5% }"),
  "a share": run("job: notebooks-verify\nwith: { sample: 0.05 }"),
  "all of it": run("job: notebooks-verify\nwith: { sample: 100% }"),
  "a section": "datasets: { files: [{ name: a }, { name: b, mode: replace }] }",
};

const bad: Readonly<Record<string, string>> = {
  "a list for a file": "- a",
  "an unknown section": "connection: {}",
  "a state elsewhere": "state: /var/lib/lakeferry",
  "a state without a folder": "state: 'file:'",
  "a retention without a unit": "retention: 30",
  "connections as a list": "connections: [a]",
  "a connection without a type": "connections: { a: { host: x } }",
  "a connection of an unknown type": "connections: { a: { type: oracle } }",
  "an unknown setting": "connections: { a: { type: databricks, hots: x } }",
  "a setting in camel case": "connections: { a: { type: databricks, clientId: x } }",
  "a setting of another type": "connections: { a: { type: git, url: x, host: y } }",
  "a missing setting": "connections: { a: { type: git } }",
  "a wrong word of a setting": "connections: { a: { type: databricks, auth-type: password } }",
  "a number of a setting that is too large": "connections: { a: { type: databricks, connections: 9999 } }",
  "a token that is a number": "connections: { a: { type: databricks, token: 12345678 } }",
  "a run without a job": run("with: {}"),
  "an unknown job": run("job: notebooks-export"),
  "an unknown key of a run": run("job: notebooks-backup\nwhen: never"),
  "an unknown input": given("branches: main"),
  "an input of another job": given("sample: 5%"),
  "an input in camel case": given("commitSize: 5"),
  "a connection that is a list": run("job: notebooks-backup\nwith: { source: [a] }"),
  "a wrong word": given("format: HTML"),
  "an empty text": given('branch: ""'),
  "nothing for a text": given("branch:"),
  "a number for a text": given("branch: 2024"),
  "a number that is too small": given("commit-size: 0"),
  "a number that is too large": given("commit-size: 100001"),
  "a fraction": given("commit-size: 1.5"),
  "a word for a number": given("commit-size: many"),
  "a word for a toggle": given("archives: yes please"),
  "numbers in a list": given("include: [1]"),
  "a duration without a unit": given("max-age: 7"),
  "a shard of nothing": given("shard: 2"),
  "more than all": run("job: notebooks-verify\nwith: { sample: 200% }"),
  "a share over one": run("job: notebooks-verify\nwith: { sample: 5 }"),
  "a wrong section": "datasets: { files: [{ name: a, mode: merge }] }",
  "an unknown key of a section": "datasets: { files: [], more: 1 }",
};

describe("the schema and the loader agree", () => {
  test.each(Object.entries(good))("on what is right: %s", (_name, text) => {
    read(text);
    accepts(parse(text));
    expect(accepts.errors ?? []).toEqual([]);
  });

  test.each(Object.entries(bad))("on what is wrong: %s", (_name, text) => {
    expect(() => read(text)).toThrow();
    expect(accepts(parse(text))).toBe(false);
  });
});

test("the first line of the file says that it is generated", () => {
  const text = configSchemaText({ ...known, state: DEFAULT_STATE, retention: DEFAULT_RETENTION });
  expect(text.split("\n")[0]).toMatch(/^\{ "\$comment": "Generated by /);
  expect(JSON.parse(text)).toMatchObject({ title: "lakeferry.yml" });
});

/** The loader, and then the settings as they are checked when a connection is opened, with `${…}` and secrets filled in. */
function read(text: string): void {
  const config = readConfig(text, "lakeferry.yml", known);
  for (const { type, settings } of config.connections.values()) {
    const connector = known.connectors.find((one) => one.type === type)!;
    for (const [name, schema] of Object.entries(connector.settings)) {
      const value = settings[name];
      if (typeof value === "string" && /^(\$\{\w+\}|\{\{secrets\/.*\}\})$/.test(value)) continue;
      if (value === undefined && connector.environment[name]) continue;
      schema.parse(value);
    }
  }
}
