import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSandbox } from "@lakeferry/sandbox";
import { describe, expect, test } from "vitest";
import { GitServer } from "../contract/git-server.ts";
import {
  atEnd,
  expectBackup,
  expectCode,
  type Ran,
  startCli,
  temporaryFolder,
  type World,
  world,
} from "./world.ts";

const configured = (w: World, text: string) => writeFile(join(w.cwd, "lakeferry.yml"), text);

const GOOD = (destination: string) => `# a backup every night
connections:
  workspace:
    type: databricks
    host: \${DATABRICKS_HOST}
    token: \${DATABRICKS_TOKEN}
  backup:
    type: git
    url: ${destination}
runs:
  nightly:
    job: notebooks-backup
    schedule: "0 2 * * *"
    with:
      source: workspace
      destination: backup
      exclude: ["**/*forecast*"]
`;

describe("errors of lakeferry.yml name place, value and what is allowed", () => {
  const cases: [string, (good: string) => string, string[]][] = [
    ["not YAML", () => "runs: [\n", ["lakeferry.yml:2:1"]],
    [
      "an unknown key",
      (good) => good.replace("runs:", "rnus:"),
      ["lakeferry.yml:10:1", '"rnus"', 'Did you mean "runs"?'],
    ],
    [
      "an unknown type",
      (good) => good.replace("type: git", "type: gti"),
      ["lakeferry.yml:8:11", '"gti"', "databricks, git"],
    ],
    [
      "an unknown setting",
      (good) => good.replace("    url:", "    ulr:"),
      ["lakeferry.yml:9:5", '"ulr"', 'Did you mean "url"?'],
    ],
    [
      "an unknown job",
      (good) => good.replace("notebooks-backup", "notebook-backup"),
      ["lakeferry.yml:12:10", '"notebook-backup"', "notebooks-backup, notebooks-verify, notebooks-restore"],
    ],
    [
      "an unknown input",
      (good) => good.replace("exclude:", "excldue:"),
      ["lakeferry.yml:17:7", 'Did you mean "exclude"?'],
    ],
    [
      "a value that is not allowed",
      (good) => `${good}      format: SORUCE\n`,
      ["lakeferry.yml:18:15", '"SORUCE"', "SOURCE, JUPYTER"],
    ],
    [
      "a number out of range",
      (good) => `${good}      commit-size: 0\n`,
      ["lakeferry.yml:18:20", "commit-size", "0"],
    ],
    ["a shard out of range", (good) => `${good}      shard: 3/2\n`, ["lakeferry.yml:18:14", "3/2"]],
    [
      "a connection that is not there",
      (good) => good.replace("source: workspace", "source: wrokspace"),
      ["lakeferry.yml:15:15", '"wrokspace"', "workspace"],
    ],
    [
      "a connection of the wrong type",
      (good) => good.replace("source: workspace", "source: backup"),
      ["lakeferry.yml:15:15", "databricks"],
    ],
    ["a schedule", (good) => good.replace("0 2 * * *", "at night"), ["lakeferry.yml:13:15", '"at night"']],
    ["a retention", (good) => `retention: soon\n${good}`, ["lakeferry.yml:1:12", '"soon"', "30d"]],
    [
      "a state location",
      (good) => `state: ftp:x\n${good}`,
      ["lakeferry.yml:1:8", '"ftp:x"', "file:<folder>"],
    ],
  ];
  test("each of them exits 2", async () => {
    const folder = await temporaryFolder();
    const seen = await Promise.all(
      cases.map(async ([name, change, words], i) => {
        const file = join(folder, `${i}.yml`);
        const text = change(GOOD("/backup.git"));
        await writeFile(file, text);
        const ran = await startCli(["run", "nightly", "--config", file], {
          cwd: folder,
          env: { PATH: process.env.PATH },
        }).done;
        return { name, ran, words: words.map((word) => word.replace("lakeferry.yml", `${i}.yml`)) };
      }),
    );
    for (const { name, ran, words } of seen) {
      expect(ran.code, name + ran.stderr).toBe(2);
      for (const word of words) expect(ran.stderr, name).toContain(word);
    }
  });

  test("a missing variable, file, run or input", async () => {
    const w = await world();
    await configured(w, GOOD(w.repository.path));
    const variable = await w.run(["run", "nightly"], { env: { DATABRICKS_TOKEN: undefined } });
    expectCode(variable, 2);
    expect(variable.stdout + variable.stderr).toMatch(/lakeferry\.yml:6:12.*DATABRICKS_TOKEN is not set/);
    const name = await w.run(["run", "weekly"]);
    expectCode(name, 2);
    expect(name.stderr).toContain("nightly");
    const file = await w.run(["run", "nightly", "--config", "other.yml"]);
    expectCode(file, 2);
    const flag = await w.run(["notebooks", "backup", "--exlude", "x"]);
    expectCode(flag, 2);
    expect(flag.stderr).toContain("--exclude");
    const value = await w.backup(["--format", "HTML"]);
    expectCode(value, 2);
    expect(value.finished.error.message).toMatch(/"HTML" is not one of SOURCE, JUPYTER/);
    const path = await w.backup(["--path", "Clients"]);
    expectCode(path, 2);
    const none = await w.run(["notebooks", "backup", "--json"], { cwd: w.home });
    expectCode(none, 2);
    expect(none.finished.error.message).toContain("url is missing");
  });
});

test("a run of lakeferry.yml, with a git token that is a Databricks secret, and its status on a fresh machine", async () => {
  const secret = "git-t0ken-kept-in-databricks";
  const server = await GitServer.start({ basic: { password: secret } });
  atEnd(() => server.close());
  const served = await server.repository("backup");
  const w = await world({ tree: { notebooks: 60 }, secrets: { ci: { git: secret } } });
  await configured(
    w,
    GOOD(served.url).replace(`url: ${served.url}`, `url: ${served.url}\n    token: "{{secrets/ci/git}}"`),
  );
  const before = await w.run(["status", "--max-age", "26h"]);
  expectCode(before, 1);
  expect(before.stdout).toContain("last success  none");

  const ran = await w.run(["run", "nightly"]);
  expectCode(ran, 0);
  expect(ran.stdout).toContain("Succeeded");
  const { BareRepository } = await import("./repository.ts");
  const repository = new BareRepository(served.path, false);
  expectBackup(
    { repository },
    w.objects().filter(({ path }) => !/forecast[^/]*$/.test(path)),
  );
  for (const text of [ran.stdout, ran.stderr]) expect(text).not.toContain(secret);

  // Another machine: the configuration and nothing else.
  const fresh = await temporaryFolder();
  await writeFile(join(fresh, "lakeferry.yml"), await readFile(join(w.cwd, "lakeferry.yml")));
  const status = await w.run(["status", "--json"], { cwd: fresh });
  expectCode(status, 0);
  const [entry] = JSON.parse(status.stdout);
  expect(entry).toMatchObject({ name: "nightly", job: "notebooks-backup", schedule: "0 2 * * *" });
  expect(entry.observed.from).toContain("tag backup/");
  expect(entry.age).toBeLessThan(10 * 60_000);
  expect(entry.lastRun).toBeUndefined();
  expect(Date.parse(entry.nextRun)).toBeGreaterThan(Date.now());
  expectCode(await w.run(["status", "nightly", "--max-age", "1h"], { cwd: fresh }), 0);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const late = await w.run(["status", "--max-age", "1s"], { cwd: fresh });
  expectCode(late, 1);
  expect(late.stderr).toContain("nightly");
  expectCode(await w.run(["status", "--max-age", "soon"], { cwd: fresh }), 2);
  expectCode(await w.run(["status", "weekly"], { cwd: fresh }), 2);
  const local = await w.run(["status"]);
  expect(local.stdout).toContain("last run      succeeded");
  expectCode(await w.run(["status"], { cwd: w.home }), 2);

  // A secret that is not there is said by name.
  await configured(w, (await readFile(join(w.cwd, "lakeferry.yml"), "utf8")).replace("ci/git", "ci/none"));
  const missing = await w.run(["run", "nightly"]);
  expect(missing.code).not.toBe(0);
  expect(missing.stdout).toContain("none");
});

describe("doctor", () => {
  const doctor = async (
    w: World,
    args: readonly string[],
    env = {},
  ): Promise<{ ran: Ran; checks: Map<string, { result: string; hint?: string; detail: string }> }> => {
    const ran = await w.run(["doctor", "--json", ...args], { env });
    return { ran, checks: new Map(ran.events.map((check) => [`${check.about}: ${check.name}`, check])) };
  };

  test("finds everything well", async () => {
    const w = await world({ tree: { notebooks: 5 } });
    const { ran, checks } = await doctor(w, ["--databricks", w.sandbox.url, "--git", w.repository.path]);
    expectCode(ran, 0);
    expect([...checks.values()].filter(({ result }) => result === "failed")).toEqual([]);
    for (const word of ["credentials", "clock", "disk", "Node.js", "state location"])
      expect(
        [...checks.keys()].some((key) => key.endsWith(word)),
        word,
      ).toBe(true);
    const text = await w.run(["doctor"]);
    expectCode(text, 0);
    expect(text.stdout).toContain("Everything a run needs is there.");
    const symptoms = await w.run(["doctor", "--troubleshooting"]);
    expectCode(symptoms, 0);
    expect(symptoms.stdout).toContain("because:");
  });

  test("says what is wrong, each with what to do", async () => {
    const w = await world();
    const failed = async (args: readonly string[], env = {}) => {
      const { ran, checks } = await doctor(w, args, env);
      expectCode(ran, 1);
      const bad = [...checks].filter(([, { result }]) => result === "failed");
      expect(bad.length).toBeGreaterThan(0);
      for (const [name, { hint }] of bad) expect(hint, name).toBeTruthy();
      return bad.map(([name, { detail, hint }]) => `${name}: ${detail} ${hint}`).join("\n");
    };
    const [token, host, path, git] = await Promise.all([
      failed(["--databricks", w.sandbox.url], { DATABRICKS_TOKEN: "dapi-wrong" }),
      failed(["--databricks", "http://127.0.0.1:9"]),
      failed(["--git", join(w.home, "nothing.git")]),
      failed(["--git", "http://127.0.0.1:9/x.git"]),
    ]);
    expect(token).toContain("credentials");
    expect(token).not.toContain("dapi-wrong");
    expect(host).toContain("reachable");
    expect(path).toContain("nothing.git");
    expect(git).toContain("127.0.0.1:9");
    const password = await failed(["--git", "https://me:s3cret-w0rd@127.0.0.1:9/x.git"]);
    expect(password).toContain("contains a password");
    expect(password).not.toContain("s3cret-w0rd");
  });

  test("a server with a certificate that nobody trusts is refused, until its authority is named", async () => {
    const w = await world();
    const folder = await temporaryFolder();
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ].concat([
        ...["-keyout", key, "-out", cert, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
      ]),
      { stdio: "ignore" },
    );
    const sandbox = await startSandbox({ tls: { key: await readFile(key), cert: await readFile(cert) } });
    atEnd(() => sandbox.close());
    const env = { DATABRICKS_HOST: sandbox.url, DATABRICKS_TOKEN: sandbox.token };
    const { ran, checks } = await doctor(w, ["--databricks", sandbox.url], env);
    expectCode(ran, 1);
    const [bad] = [...checks.values()].filter(({ result }) => result === "failed");
    expect(bad!.detail).toMatch(/certificate/i);
    expect(bad!.hint).toMatch(/ca-file|DATABRICKS_CA_FILE/i);
    const refused = await w.backup([], { env });
    expectCode(refused, 1);
    expect(Object.keys(sandbox.stats().requests)).toEqual([]);
    expectCode(await w.backup([], { env: { ...env, DATABRICKS_CA_FILE: cert } }), 0);
  });
});

test("the help of every command is as it was reviewed", async () => {
  const folder = await temporaryFolder();
  const env = { PATH: process.env.PATH };
  const commands = [
    ["--help"],
    ["notebooks", "--help"],
    ["notebooks", "backup", "--help"],
    ["notebooks", "verify", "--help"],
    ["notebooks", "restore", "--help"],
    ["run", "--help"],
    ["status", "--help"],
    ["doctor", "--help"],
    ["sandbox", "--help"],
  ];
  const texts = await Promise.all(
    commands.map(async (args) => {
      const ran = await startCli(args, { cwd: folder, env }).done;
      expectCode(ran, 0);
      return `$ lakeferry ${args.join(" ")}\n${ran.stdout}`;
    }),
  );
  await expect(texts.join("\n\n")).toMatchFileSnapshot("help.snap.txt");
  const nothing = await startCli([], { cwd: folder, env }).done;
  expect(nothing.code).toBe(2);
  const version = await startCli(["--version"], { cwd: folder, env }).done;
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
