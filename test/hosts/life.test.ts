import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GitServer } from "../contract/git-server.ts";
import type { BareRepository } from "./repository.ts";
import { allFiles, atEnd, expectBackup, expectCode, records, startCli, type World, world } from "./world.ts";

const linux = process.platform === "linux";
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const leases = (repository: BareRepository) =>
  [...repository.refs().keys()].filter((name) => name.includes("lease"));

/** Processes whose environment or arguments name a word. */
async function processes(word: string): Promise<{ pid: number; args: string; env: string }[]> {
  const found: { pid: number; args: string; env: string }[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const args = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    const env = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    if (Number(name) !== process.pid && (args.includes(word) || env.includes(word)))
      found.push({ pid: Number(name), args, env });
  }
  return found;
}

/** Exports take a while: the run is in the middle for as long as a test needs. */
const slow = (w: World, ms: number) =>
  w.sandbox.installFaults([{ kind: "latency", ms, endpoint: "GET /api/2.0/workspace/export" }]);

test.runIf(linux)("no token is in any output, file, argument, or environment but git's own", async () => {
  const token = "git-s3cret-t0ken-0123456789";
  const server = await GitServer.start({ basic: { password: token } });
  atEnd(() => server.close());
  const served = await server.repository("backup");
  const databricks = "dapi0123456789abcdef0123456789abcdef";
  const w = await world({ tree: { notebooks: 60 }, tokens: { token: databricks } });
  const secrets = [
    token,
    databricks,
    ...[`x:${token}`, `lakeferry:${token}`].map((text) => Buffer.from(text).toString("base64")),
  ];
  const holds = (text: string | Buffer) => secrets.filter((secret) => text.includes(secret));
  slow(w, 300);
  // Trees of temporary folders are looked at while they are there: a git configuration among them.
  const running = w.start(
    ["notebooks", "backup", "--destination", served.url, "--json", "--report", "report.md"],
    {
      env: { LAKEFERRY_GIT_TOKEN: token },
    },
  );
  let over = false;
  void running.done.then(() => {
    over = true;
  });
  const found = new Set<string>();
  let gits = 0;
  let configs = 0;
  while (!over) {
    for (const { pid, args, env } of await processes(w.home)) {
      if (holds(args).length > 0) found.add(`argument of ${pid}: ${args}`);
      if (!/(^|\/)git[\0-]/.test(args)) continue;
      gits += 1;
      if (env.includes(databricks)) found.add(`Databricks token in the environment of git: ${args}`);
    }
    for (const [path, bytes] of await allFiles(join(w.home, "..")).catch(() => new Map<string, Buffer>())) {
      if (path.startsWith("backup.git")) continue;
      if (path.endsWith("config")) configs += 1;
      if (holds(bytes).length > 0) found.add(`file ${path}`);
    }
  }
  const ran = await running.done;
  expectCode(ran, 0);
  expect([...found]).toEqual([]);
  expect(gits).toBeGreaterThan(0);
  expect(configs).toBeGreaterThan(0);
  expect(holds(ran.stdout + ran.stderr)).toEqual([]);
  const kept = await allFiles(w.cwd);
  expect(
    [...kept.keys()].filter((path) => path === "report.md" || path.startsWith(".lakeferry/runs/")).length,
  ).toBe(3);
  for (const [path, bytes] of kept) expect(holds(bytes), path).toEqual([]);
  for (const [path, bytes] of await allFiles(served.path)) expect(holds(bytes), path).toEqual([]);

  // Nor when they are wrong, or the address holds one.
  const wrong = await w.backup(["--destination", served.url], {
    env: { LAKEFERRY_GIT_TOKEN: `${token}-old` },
  });
  expectCode(wrong, 1);
  expect(wrong.finished.error.code).toBe("unauthenticated");
  const address = await w.backup(["--destination", served.url.replace("http://", `http://me:${token}@`)]);
  expectCode(address, 2);
  const refused = await w.backup([], { env: { DATABRICKS_TOKEN: `${databricks}0` } });
  expectCode(refused, 1);
  for (const one of [wrong, address, refused]) expect(holds(one.stdout + one.stderr)).toEqual([]);
  for (const [path, bytes] of await allFiles(w.cwd)) expect(holds(bytes), path).toEqual([]);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  test(`${signal} in the middle ends within 5 seconds, and the same command goes on`, async () => {
    const w = await world({ tree: { notebooks: 120 } });
    slow(w, 2_000);
    const running = w.start([
      "notebooks",
      "backup",
      "--destination",
      w.repository.path,
      "--json",
      "--no-archives",
      "--concurrency",
      "4",
    ]);
    await running.saw('"type":"step-started"');
    await pause(300);
    expect(leases(w.repository).length).toBe(1);
    const at = Date.now();
    running.child.kill(signal);
    const ran = await running.done;
    expect(Date.now() - at).toBeLessThan(5_000);
    expectCode(ran, 130);
    expect(ran.finished).toMatchObject({
      outcome: "cancelled",
      next: expect.stringContaining("same command"),
    });
    expect(leases(w.repository)).toEqual([]);
    if (linux) expect(await processes(w.home)).toEqual([]);
    const [record] = await records(w.cwd);
    expect(record.summary).toMatchObject({ outcome: "cancelled", error: { code: "cancelled" } });
    w.sandbox.installFaults([]);
    expectCode(await w.backup(), 0);
    expectBackup(w, w.objects());
    expect(w.repository.branches()).toEqual(["main"]);
  });

test("a reader of the output who goes away cancels the run", async () => {
  const w = await world({ tree: { notebooks: 120 } });
  slow(w, 300);
  const args = ["notebooks", "backup", "--destination", w.repository.path, "--json", "--no-archives"];
  const running = w.start([...args, "--concurrency", "2"]);
  await running.saw('"type":"step-started"');
  running.child.stdout!.destroy();
  const ran = await running.done;
  expect([ran.code, ran.stderr]).toEqual([130, ""]);
  expect(leases(w.repository)).toEqual([]);
  const [record] = await records(w.cwd);
  expect(record.summary.outcome).toBe("cancelled");
});

test("a run that was killed is taken up by another machine, and leaves nothing behind", async () => {
  const w = await world({ tree: { notebooks: 60 } });
  const running = w.start(["notebooks", "backup", "--destination", w.repository.path, "--json"]);
  await running.saw('"type":"sealed","phase":"export"');
  running.child.kill("SIGKILL");
  expect((await running.done).signal).toBe("SIGKILL");
  w.sandbox.resetStats();
  const ran = await w.backup(["--state", "file:elsewhere"]);
  expectCode(ran, 0);
  expectBackup(w, w.objects());
  expect(w.sandbox.stats().requests["GET /api/2.0/workspace/export"]).toBeUndefined();
  expect(w.repository.branches()).toEqual(["main"]);
  expect(leases(w.repository)).toEqual([]);
});

test("of two runs on one target the second is told who is at work; a dead holder is replaced at once", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  slow(w, 3_000);
  const first = w.start(["notebooks", "backup", "--destination", w.repository.path, "--json"]);
  await first.saw('"type":"step-started"');
  const run = /"run":"([^"]+)"/.exec(first.output())![1]!;
  const second = await w.backup();
  expectCode(second, 1);
  expect(second.finished.error.code).toBe("lease-held");
  expect(second.finished.error.message).toContain(run);
  // Another branch is another target.
  const other = w.backup(["--branch", "other", "--path", "/Clients/2023"]);
  first.child.kill("SIGKILL");
  await first.done;
  expect(leases(w.repository).length).toBeGreaterThan(0);
  w.sandbox.installFaults([]);
  const at = Date.now();
  expectCode(await w.backup(), 0);
  expect(Date.now() - at).toBeLessThan(30_000);
  expectBackup(w, w.objects());
  expectCode(await other, 0);
  expect(leases(w.repository)).toEqual([]);
});

test("a token that ends during the run is renewed, once for all requests", async () => {
  const w = await world({ tree: { notebooks: 120 }, tokenSeconds: 2 });
  slow(w, 150);
  const env = {
    DATABRICKS_TOKEN: undefined,
    DATABRICKS_CLIENT_ID: w.sandbox.clientId,
    DATABRICKS_CLIENT_SECRET: w.sandbox.clientSecret,
  };
  const ran = await w.backup(["--no-archives", "--concurrency", "4"], { env });
  expectCode(ran, 0);
  expectBackup(w, w.objects());
  const { tokensIssued } = w.sandbox.stats();
  expect(tokensIssued).toBeGreaterThan(1);
  expect(tokensIssued).toBeLessThan(20);
  expect(ran.stdout).not.toContain(w.sandbox.clientSecret);
});

test("credentials of a profile file", async () => {
  const w = await world({ tree: { notebooks: 20 } });
  await writeFile(
    join(w.home, ".databrickscfg"),
    `[DEFAULT]\nhost = http://127.0.0.1:9\ntoken = none\n\n[work]\nhost = ${w.sandbox.url}\ntoken = ${w.sandbox.token}\n`,
  );
  const env = { DATABRICKS_HOST: undefined, DATABRICKS_TOKEN: undefined };
  expectCode(await w.backup([], { env: { ...env, DATABRICKS_CONFIG_PROFILE: "work" } }), 0);
  expectBackup(w, w.objects());
  const missing = await w.backup([], { env: { ...env, DATABRICKS_CONFIG_PROFILE: "none" } });
  expect([1, 2]).toContain(missing.code);
  expect(missing.finished.error.message).toContain("none");
});

test("throttling, broken connections and damaged answers end in a correct backup", async () => {
  const w = await world({ tree: { notebooks: 120, engagements: 6 } });
  const endpoint = "GET /api/2.0/workspace/export";
  w.sandbox.installFaults([
    { kind: "status", status: 429, retryAfter: 1, endpoint, nth: 2, count: 2 },
    { kind: "status", status: 503, endpoint: "GET /api/2.0/workspace/list", nth: 3 },
    { kind: "reset", after: 500, endpoint, nth: 6 },
    { kind: "truncate", endpoint, nth: 8 },
  ]);
  const ran = await w.backup();
  for (const { id, hits } of w.sandbox.faults()) expect(hits, id).toBeGreaterThan(0);
  expectCode(ran, 0);
  expectBackup(w, w.objects());
  expect(ran.events.filter((e) => e.type === "request-retried").length).toBeGreaterThan(0);
  expect(ran.events.filter((e) => e.type === "throttled").length).toBeGreaterThan(0);
});

test("the sandbox of the command line serves, and ends when it is told to", async () => {
  const w = await world();
  const running = startCli(["sandbox", "--notebooks", "20", "--json"], {
    cwd: w.cwd,
    env: { PATH: process.env.PATH },
  });
  await running.saw(/"url":"[^"]+".*\n/);
  const { url, token } = JSON.parse(running.output());
  const env = { DATABRICKS_HOST: url, DATABRICKS_TOKEN: token };
  expectCode(await w.backup([], { env }), 0);
  running.child.kill("SIGTERM");
  expect((await running.done).code).toBe(0);
});
