import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { at, type TestSandbox, testSandbox } from "../testing.ts";
import type { FaultRule } from "./fault-rule.ts";

const EXPORT = "GET /api/2.0/workspace/export";
const TEXT = "0123456789".repeat(100);

async function withFile(rules: FaultRule[]): Promise<TestSandbox> {
  const sandbox = await testSandbox();
  await sandbox.importAs("/f", TEXT, { format: "RAW" });
  sandbox.installFaults(rules);
  return sandbox;
}

const read = (sandbox: TestSandbox) =>
  sandbox.get(`/api/2.0/workspace/export${at("/f")}&direct_download=true`);
const hits = (sandbox: TestSandbox) => Object.values(sandbox.stats().faultHits);

test("status: the nth request, with body and Retry-After", async () => {
  const sandbox = await withFile([
    {
      kind: "status",
      endpoint: EXPORT,
      nth: 2,
      count: 2,
      status: 503,
      retryAfter: 7,
      errorCode: "TEMPORARILY_UNAVAILABLE",
    },
  ]);
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await read(sandbox));
  expect(answers.map((a) => a.status)).toEqual([200, 503, 503, 200]);
  expect(answers[1]!.headers.get("retry-after")).toBe("7");
  expect(answers[1]!.json.error_code).toBe("TEMPORARILY_UNAVAILABLE");
  expect(sandbox.faults()[0]).toMatchObject({ id: "status-1", seen: 4, hits: 2 });
});

test("status, applied: the work is done and the client told otherwise", async () => {
  const sandbox = await withFile([
    { kind: "status", path: "mkdirs", status: 500, applied: true, body: "<html>" },
  ]);
  const answer = await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/made" });
  expect([answer.status, answer.bytes.toString()]).toEqual([500, "<html>"]);
  expect(sandbox.tree().map((o) => o.path)).toContain("/made");
});

test("probability follows the seed", async () => {
  const run = async () => {
    const sandbox = await withFile([{ kind: "status", probability: 0.5, seed: 3, status: 500 }]);
    const seen = [];
    for (let i = 0; i < 12; i++) seen.push((await read(sandbox)).status);
    return seen;
  };
  const first = await run();
  expect(new Set(first).size).toBe(2);
  expect(await run()).toEqual(first);
});

test("path matches the decoded URL; method and count narrow", async () => {
  const sandbox = await withFile([
    { kind: "status", path: "path=/f&", method: "GET", count: 1, status: 500 },
  ]);
  expect((await sandbox.get(`/api/2.0/workspace/get-status${at("/f")}`)).status).toBe(200);
  expect((await read(sandbox)).status).toBe(500);
  expect((await read(sandbox)).status).toBe(200);
});

test("latency and slow bodies", async () => {
  const sandbox = await withFile([
    { kind: "latency", ms: 60 },
    { kind: "slow", ms: 10, chunk: 100 },
  ]);
  const start = performance.now();
  expect((await read(sandbox)).bytes.toString()).toBe(TEXT);
  expect(performance.now() - start).toBeGreaterThan(140);
  expect(hits(sandbox)).toEqual([1, 1]);
});

test.each<[string, FaultRule]>([
  ["reset before the answer", { kind: "reset" }],
  ["reset in the body", { kind: "reset", after: 300 }],
  ["truncated", { kind: "truncate", keep: 300 }],
])("%s: the client notices", async (_, rule) => {
  const sandbox = await withFile([{ ...rule, nth: 1 }]);
  await expect(read(sandbox)).rejects.toThrow();
  expect((await read(sandbox)).bytes).toHaveLength(1000);
  expect(hits(sandbox)).toEqual([1]);
});

test("short: the client cannot notice by the length", async () => {
  const sandbox = await withFile([{ kind: "short", keep: 300 }]);
  const answer = await read(sandbox);
  expect([answer.status, answer.headers.get("content-length"), answer.bytes.length]).toEqual([
    200,
    "300",
    300,
  ]);
});

test("corrupt: one byte differs, and only in the answer", async () => {
  const sandbox = await withFile([{ kind: "corrupt", at: 10, nth: 1 }]);
  const { bytes } = await read(sandbox);
  expect(bytes.filter((byte, i) => byte !== TEXT.charCodeAt(i))).toHaveLength(1);
  expect((await read(sandbox)).bytes.toString()).toBe(TEXT);
});

test("stale: the first read after a change is the one before it", async () => {
  const sandbox = await withFile([{ kind: "stale" }]);
  await sandbox.importAs("/f", "new", { format: "RAW", overwrite: true });
  expect((await read(sandbox)).bytes.toString()).toBe(TEXT);
  expect((await read(sandbox)).bytes.toString()).toBe("new");
  const status = () => sandbox.get(`/api/2.0/workspace/get-status${at("/f")}`);
  expect([(await status()).json.size, (await status()).json.size]).toEqual([1000, 3]);
  await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/d" });
  const list = async () => (await sandbox.get(`/api/2.0/workspace/list${at("/")}`)).json.objects.length;
  expect([await list(), await list()]).toEqual([1, 2]);
  const made = () => sandbox.get(`/api/2.0/workspace/get-status${at("/d")}`);
  expect([(await made()).status, (await made()).status]).toEqual([404, 200]);
  expect(hits(sandbox)).toEqual([4]);
});

test("expire-tokens: OAuth tokens end, the personal one does not", async () => {
  const sandbox = await withFile([{ kind: "expire-tokens", path: "get-status", nth: 1 }]);
  const form = {
    grant_type: "client_credentials",
    client_id: sandbox.clientId,
    client_secret: sandbox.clientSecret,
  };
  const token = await sandbox.call(
    "POST",
    "/oidc/v1/token",
    Buffer.from(new URLSearchParams(form).toString()),
  );
  const bearer = { authorization: `Bearer ${token.json.access_token}` };
  const status = (headers = {}) =>
    sandbox.call("GET", `/api/2.0/workspace/get-status${at("/f")}`, undefined, headers);
  expect((await status(bearer)).status).toBe(401);
  expect((await status()).status).toBe(200);
});

test.each(["before", "applied", "after"] as const)("kill: a client dies %s the answer", async (when) => {
  const sandbox = await testSandbox();
  const code = `
    process.stdin.once("data", async (line) => {
      const [url, token] = String(line).trim().split(" ");
      await fetch(url + "/api/2.0/workspace/mkdirs", { method: "POST", headers: { authorization: "Bearer " + token }, body: '{"path":"/made"}' }).catch(() => {});
      setInterval(() => {}, 1000);
    });`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["pipe", "inherit", "inherit"] });
  sandbox.installFaults([{ kind: "kill", pid: child.pid!, when, path: "mkdirs", nth: 1 }]);
  child.stdin.end(`${sandbox.url} ${sandbox.token}\n`);
  expect((await once(child, "exit"))[1]).toBe("SIGKILL");
  expect(sandbox.tree().length).toBe(when === "before" ? 0 : 1);
  expect(hits(sandbox)).toEqual([1]);
});

test.each([
  [{ kind: "gremlin" }],
  [{ kind: "status" }],
  [{ kind: "latency", ms: "long" }],
  [{ kind: "reset", pid: 3 }],
  [{ kind: "kill", pid: 0 }],
  [{ kind: "short", path: "(" }],
])("no rule: %o", async (rule) => {
  const sandbox = await testSandbox();
  const answer = await sandbox.post("/_sandbox/faults", { rules: [rule] });
  expect([answer.status, answer.json.error_code]).toEqual([400, "INVALID_PARAMETER_VALUE"]);
});
