import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { at, testSandbox } from "../testing.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("stats count every request by endpoint and status, but not the control API", async () => {
  const sandbox = await testSandbox();
  await sandbox.importAs("/f", "hello", { format: "RAW" });
  await sandbox.get(`/api/2.0/workspace/list${at("/")}`);
  await sandbox.get(`/api/2.0/workspace/list${at("/x")}`);
  await sandbox.call("POST", "/api/2.0/workspace-files/import-file/g", Buffer.from("12345"));
  const { json } = await sandbox.get("/_sandbox/stats");
  expect(json.requests).toEqual({
    "POST /api/2.0/workspace/import": 1,
    "GET /api/2.0/workspace/list": 2,
    "POST /api/2.0/workspace-files/import-file/{path}": 1,
  });
  expect(json).toMatchObject({ total: 4, statuses: { 200: 3, 404: 1 } });
  expect(json.bytesReceived).toBeGreaterThan(30);
  await sandbox.post("/_sandbox/stats/reset");
  expect(sandbox.stats()).toMatchObject({ total: 0, bytesSent: 0, requests: {} });
});

test("settings, faults and tokens over HTTP", async () => {
  const sandbox = await testSandbox();
  const changed = await sandbox.post("/_sandbox/settings", {
    rateLimits: true,
    directoryExport: "source-zip",
  });
  expect(changed.json).toMatchObject({
    rateLimits: true,
    directoryExport: "source-zip",
    exportPerSecond: 60,
  });
  expect((await sandbox.post("/_sandbox/settings", { rateLimit: true })).status).toBe(400);
  expect((await sandbox.post("/_sandbox/settings", { directoryExport: "tar" })).status).toBe(400);
  await sandbox.post("/_sandbox/faults", [{ id: "one", kind: "latency", ms: 1 }]);
  await sandbox.get(`/api/2.0/workspace/list${at("/")}`);
  expect((await sandbox.get("/_sandbox/faults")).json.rules).toMatchObject([{ id: "one", seen: 1, hits: 1 }]);
  expect((await sandbox.post("/_sandbox/tokens/expire")).status).toBe(200);
  expect((await sandbox.get("/_sandbox/nothing")).status).toBe(501);
});

test("rename keeps id and time, touch changes the time", async () => {
  const sandbox = await testSandbox();
  const touched = await sandbox.post("/_sandbox/touch", {
    path: "/a/n",
    content: "# Databricks notebook source\n1\n",
    language: "PYTHON",
  });
  expect(touched.json).toMatchObject({ object_type: "NOTEBOOK", path: "/a/n" });
  await sandbox.post("/_sandbox/rename", { from: "/a", to: "/b" });
  const status = async () => (await sandbox.get(`/api/2.0/workspace/get-status${at("/b/n")}`)).json;
  expect(await status()).toEqual({ ...touched.json, path: "/b/n" });
  await sandbox.post("/_sandbox/touch", { path: "/b/n", content: "# Databricks notebook source\n2\n" });
  expect((await status()).modified_at).toBeGreaterThan(touched.json.modified_at);
  expect((await sandbox.post("/_sandbox/rename", { from: "/b", to: "/b/c" })).status).toBe(400);
});

test("generate and mutate are deterministic and exact in number", async () => {
  const run = async () => {
    const sandbox = await testSandbox();
    const options = { notebooks: 800, engagements: 8, seed: 5, big: false, hostile: true };
    expect((await sandbox.post("/_sandbox/generate", options)).json.objects).toBe(800);
    const before = (await sandbox.get("/_sandbox/tree")).json.objects;
    const mutation = (
      await sandbox.post("/_sandbox/mutate", { seed: 2, changed: 20, deleted: 5, renamed: 4, added: 3 })
    ).json;
    return { before, mutation, after: (await sandbox.get("/_sandbox/tree")).json.objects };
  };
  const first = await run();
  expect(await run()).toEqual(first);
  expect(first.mutation).toMatchObject({
    changed: { length: 20 },
    deleted: { length: 5 },
    renamed: { length: 4 },
    added: { length: 3 },
  });
  const old = new Map<number, { path: string; sha256: string; modified_at: number }>(
    first.before.map((o: { object_id: number }) => [o.object_id, o]),
  );
  expect(first.after.length).toBe(first.before.length - 2);
  for (const object of first.after) {
    const previous = old.get(object.object_id);
    if (!previous) continue;
    const changed = first.mutation.changed.includes(object.path);
    expect(object.modified_at > previous.modified_at).toBe(changed);
    expect(object.sha256 !== previous.sha256).toBe(changed);
  }
});

test("big: objects above the limit, and a folder above it", async () => {
  const sandbox = await testSandbox({
    tree: { notebooks: 300, engagements: 6, big: true },
    directoryExport: "dbc",
  });
  const big = sandbox.tree().filter((o) => (o.bytes ?? 0) > 10_485_760);
  expect(big.map((o) => o.object_type).toSorted()).toEqual(["FILE", "NOTEBOOK", "NOTEBOOK", "NOTEBOOK"]);
  for (const { path, object_type } of big) {
    const exported = (format: string) =>
      sandbox.get(`/api/2.0/workspace/export${at(path)}&format=${format}&direct_download=true`);
    expect((await exported("SOURCE")).status).toBe(object_type === "FILE" ? 200 : 400);
    if (object_type === "NOTEBOOK") expect((await exported("DBC")).status).toBe(200);
  }
  const heavy = await sandbox.get(`/api/2.0/workspace/export${at("/Clients/2023/ENG-002")}&format=DBC`);
  expect(heavy.json.error_code).toBe("MAX_NOTEBOOK_SIZE_EXCEEDED");
  const library = await sandbox.get(`/api/2.0/workspace/export${at("/Clients/churn_experiment")}`);
  expect(library.status).toBe(400);
}, 30_000);

test("a folder keeps the workspace across runs", async () => {
  const folder = await temporaryFolder();
  const first = await testSandbox({ folder, tree: { notebooks: 120, hostile: true } });
  await first.importAs("/j.ipynb", '{"cells":[],"nbformat":4}', { format: "AUTO" });
  const before = first.tree();
  await first.close();
  const second = await testSandbox({ folder, tree: { notebooks: 5 } });
  expect(second.tree()).toEqual(before);
  expect((await second.bytesOf("/j", "JUPYTER")).toString()).toBe('{"cells":[],"nbformat":4}');
  const { json } = await second.importAs("/new", "x", { format: "RAW" });
  expect(before.map((o) => o.object_id)).not.toContain(json.object_id);
  expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("the command line prints one line of JSON, serves, and persists on SIGTERM", async () => {
  const folder = await temporaryFolder();
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "--json", "--notebooks", "10", "--folder", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  const { url, token, pid } = JSON.parse(line);
  expect(pid).toBe(child.pid);
  const response = await fetch(`${url}/api/2.0/workspace/list${at("/Clients")}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await readdir(folder)).toContain("index.json");
});
