import { describe, expect, test } from "vitest";
import { definitions } from "../app/definitions.ts";
import { substitute } from "../app/substitute.ts";
import { LakeferryError } from "../job/errors.ts";
import { readConfig } from "./config.ts";
import { nearest } from "./yaml-source.ts";

const read = (text: string) => readConfig(text, "lakeferry.yml", definitions);

test("an empty file is a configuration with defaults", () => {
  const config = read("");
  expect([config.state, config.retentionMs, config.connections.size, config.runs.size]).toEqual([
    "file:.lakeferry",
    30 * 86_400_000,
    0,
    0,
  ]);
});

test("names in kebab-case become camelCase, values stay as written", () => {
  const config = read(
    `connections:\n  w: {type: databricks, host: '\${HOST}', client-id: '{{secrets/a/b}}'}\n` +
      "runs:\n  n: {job: notebooks-backup, with: {source: w, destination: /b.git, commit-size: 10, shard-by: year}}\n",
  );
  expect(config.connections.get("w")!.settings).toEqual({ host: `\${HOST}`, clientId: "{{secrets/a/b}}" });
  expect(config.runs.get("n")).toEqual({
    name: "n",
    job: "notebooks-backup",
    values: { source: "w", destination: "/b.git", commitSize: 10, shardBy: "year" },
  });
});

test("the nearest known word is offered, or none", () => {
  expect(nearest("excldue", ["include", "exclude"])).toBe("exclude");
  expect(nearest("zzz", ["include", "exclude"])).toBeUndefined();
});

describe("every mistake has a place", () => {
  for (const [text, place] of [
    ["- a\n", "lakeferry.yml:1:1"],
    ["connections: 5\n", "lakeferry.yml:1:14"],
    ["connections:\n  w: {}\n", "lakeferry.yml:2:6"],
    ["runs:\n  n:\n    job: notebooks-backup\n    with: []\n", "lakeferry.yml:4:11"],
    ["runs:\n  n: {job: notebooks-backup, with: {source: [a]}}\n", "lakeferry.yml:2:45"],
    ["a: 1\na: 2\n", "lakeferry.yml:2:1"],
    ["a: *b\n", "lakeferry.yml:1:4"],
  ] as const)
    test(JSON.stringify(text), () => {
      expect(() => read(text)).toThrow(LakeferryError);
      expect(() => read(text)).toThrow(new RegExp(`^${place.replace(".", "\\.")}: `));
    });
});

describe("values", () => {
  const fail = (problem: string, hint: string) =>
    new LakeferryError(problem, { code: "invalid-input", hint });
  const env = { HOST: "h", EMPTY: "" };
  test("take variables, several in one text", async () => {
    expect(await substitute(`https://\${HOST}/\${HOST}`, env, undefined, fail)).toBe("https://h/h");
    expect(await substitute(5, env, undefined, fail)).toBe(5);
    for (const name of ["NONE", "EMPTY"])
      await expect(substitute(`\${${name}}`, env, undefined, fail)).rejects.toThrow(`${name} is not set`);
  });
  test("take a secret as a whole, never a part of a text", async () => {
    const secrets = async (scope: string, key: string) => `${scope}-${key}`;
    expect(await substitute("{{secrets/s c/k}}", env, secrets, fail)).toBe("s c-k");
    await expect(substitute("{{secrets/s/k}}", env, undefined, fail)).rejects.toThrow(
      "no Databricks connection",
    );
    expect(await substitute("x{{secrets/s/k}}", env, secrets, fail)).toBe("x{{secrets/s/k}}");
  });
});
