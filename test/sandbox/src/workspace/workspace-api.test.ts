import { createHash } from "node:crypto";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { at, testSandbox } from "../testing.ts";

const SOURCE = "# Databricks notebook source\nprint(1)\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC é\n";
const python = { format: "SOURCE", language: "PYTHON" };
const LIST = "/api/2.0/workspace/list";
const STATUS = "/api/2.0/workspace/get-status";

test("list and get-status: one level, types, times and sizes as the API has them", async () => {
  const sandbox = await testSandbox();
  expect((await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/a/b" })).json).toEqual({});
  await sandbox.importAs("/a/n", SOURCE, python);
  await sandbox.importAs("/a/f.txt", "hello", { format: "AUTO" });
  const { json } = await sandbox.get(LIST + at("/a"));
  expect(json.objects.map((o: { path: string }) => o.path)).toEqual(["/a/b", "/a/n", "/a/f.txt"]);
  const [directory, notebook, file] = json.objects;
  expect(directory).toMatchObject({ object_type: "DIRECTORY" });
  expect(directory).not.toHaveProperty("modified_at");
  expect(notebook).toMatchObject({
    object_type: "NOTEBOOK",
    language: "PYTHON",
    resource_id: String(notebook.object_id),
  });
  expect(notebook).not.toHaveProperty("size");
  expect(file).toMatchObject({ object_type: "FILE", size: 5, modified_at: expect.any(Number) });
  expect((await sandbox.get(LIST + at("/a/b"))).json).toEqual({});
  expect((await sandbox.get(LIST + at("/a/n"))).json.objects).toEqual([notebook]);
  expect((await sandbox.get(STATUS + at("/a/n"))).json).toEqual(notebook);
});

test.each([
  ["GET", `${LIST}?path=%2Fmissing`, 404, "RESOURCE_DOES_NOT_EXIST"],
  ["GET", `${STATUS}?path=%2Fmissing`, 404, "RESOURCE_DOES_NOT_EXIST"],
  ["GET", "/api/2.0/workspace/export?path=%2Fmissing", 404, "RESOURCE_DOES_NOT_EXIST"],
  ["GET", `${LIST}?path=relative`, 400, "INVALID_PARAMETER_VALUE"],
  ["GET", LIST, 400, "INVALID_PARAMETER_VALUE"],
  ["GET", `${LIST}?path=%2F&notebooks_modified_after=1`, 501, "NOT_IMPLEMENTED"],
  ["GET", "/api/2.0/workspace/export?path=%2F&format=HTML", 501, "NOT_IMPLEMENTED"],
  ["GET", "/api/2.1/jobs/list", 501, "NOT_IMPLEMENTED"],
])("%s %s answers %i %s", async (method, path, status, code) => {
  const sandbox = await testSandbox();
  const answer = await sandbox.call(method, path);
  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
});

test("mkdirs creates parents and refuses a non-directory in the way", async () => {
  const sandbox = await testSandbox();
  await sandbox.importAs("/n", SOURCE, python);
  expect((await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/n/x" })).json.error_code).toBe(
    "RESOURCE_ALREADY_EXISTS",
  );
  for (const _ of [1, 2])
    expect((await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/x/y/z" })).status).toBe(200);
});

test("delete needs recursive for a directory that is not empty", async () => {
  const sandbox = await testSandbox();
  await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/x/y" });
  const refused = await sandbox.post("/api/2.0/workspace/delete", { path: "/x" });
  expect([refused.status, refused.json.error_code]).toEqual([400, "DIRECTORY_NOT_EMPTY"]);
  expect((await sandbox.post("/api/2.0/workspace/delete", { path: "/x", recursive: true })).status).toBe(200);
  expect((await sandbox.post("/api/2.0/workspace/delete", { path: "/x" })).status).toBe(404);
});

test("SOURCE comes back byte by byte; overwrite keeps the id; a missing header is added", async () => {
  let clock = 1000;
  const sandbox = await testSandbox({ now: () => clock });
  const first = (await sandbox.importAs("/n", SOURCE, python)).json.object_id;
  expect((await sandbox.bytesOf("/n")).toString()).toBe(SOURCE);
  expect((await sandbox.importAs("/n", "x", python)).json.error_code).toBe("RESOURCE_ALREADY_EXISTS");
  clock = 2000;
  expect((await sandbox.importAs("/n", "x", { ...python, overwrite: true })).json.object_id).toBe(first);
  expect((await sandbox.bytesOf("/n")).toString()).toBe("# Databricks notebook source\nx");
  expect((await sandbox.get(STATUS + at("/n"))).json).toMatchObject({ created_at: 1000, modified_at: 2000 });
});

test.each([
  ["/no/parent", python, 404, "RESOURCE_DOES_NOT_EXIST"],
  ["/n", { format: "SOURCE" }, 400, "INVALID_PARAMETER_VALUE"],
  ["/n", { format: "SOURCE", language: "COBOL" }, 400, "INVALID_PARAMETER_VALUE"],
  ["/n", { format: "HTML" }, 501, "NOT_IMPLEMENTED"],
  ["/n", { format: "JUPYTER" }, 400, "INVALID_PARAMETER_VALUE"],
  ["/n", { format: "DBC" }, 400, "INVALID_PARAMETER_VALUE"],
  ["/n", { ...python, surprise: 1 }, 501, "NOT_IMPLEMENTED"],
])("import of %s as %o answers %i %s", async (path, fields, status, code) => {
  const sandbox = await testSandbox();
  const answer = await sandbox.importAs(path, "x", fields);
  expect([answer.status, answer.json.error_code]).toEqual([status, code]);
});

test("a type is never overwritten by another", async () => {
  const sandbox = await testSandbox();
  await sandbox.importAs("/x", "text", { format: "RAW" });
  expect((await sandbox.importAs("/x", SOURCE, { ...python, overwrite: true })).json.error_code).toBe(
    "INVALID_PARAMETER_VALUE",
  );
});

test("AUTO goes by extension and header, RAW is always a FILE", async () => {
  const sandbox = await testSandbox();
  const jupyter =
    '{"cells":[{"cell_type":"markdown","source":["hi"]}],"metadata":{"language_info":{"name":"python"}},"nbformat":4,"nbformat_minor":5}';
  await sandbox.importAs("/auto.py", SOURCE, { format: "AUTO" });
  await sandbox.importAs("/lib.py", "x = 1\n", { format: "AUTO" });
  await sandbox.importAs("/j.ipynb", jupyter, { format: "AUTO" });
  await sandbox.importAs("/raw.py", SOURCE, { format: "RAW" });
  await sandbox.importAs("/d.lvdash.json", "{}", { format: "AUTO" });
  expect(sandbox.tree().map((o) => [o.path, o.object_type])).toEqual([
    ["/auto", "NOTEBOOK"],
    ["/lib.py", "FILE"],
    ["/j", "NOTEBOOK"],
    ["/raw.py", "FILE"],
    ["/d.lvdash.json", "DASHBOARD"],
  ]);
  expect((await sandbox.bytesOf("/j", "JUPYTER")).toString()).toBe(jupyter);
  expect((await sandbox.bytesOf("/j")).toString()).toBe(
    "# Databricks notebook source\n# MAGIC %md\n# MAGIC hi\n",
  );
  expect((await sandbox.bytesOf("/d.lvdash.json", "AUTO")).toString()).toBe("{}");
});

test("multipart import, as the official SDKs upload", async () => {
  const sandbox = await testSandbox();
  const content = Buffer.from("a\r\n--b\r\n\u0000é");
  const form = new FormData();
  form.set("path", "/data.bin");
  form.set("format", "RAW");
  form.set("overwrite", "true");
  form.set("content", new Blob([content]));
  expect((await sandbox.call("POST", "/api/2.0/workspace/import", form)).status).toBe(200);
  expect(await sandbox.bytesOf("/data.bin")).toEqual(content);
});

test("import-file: a notebook loses its extension; 409 and 404", async () => {
  const sandbox = await testSandbox();
  const put = (path: string, body: string) =>
    sandbox.call("POST", `/api/2.0/workspace-files/import-file/${path}`, Buffer.from(body));
  expect((await put("my%20notebook.py?overwrite=false", SOURCE)).status).toBe(200);
  expect((await put("my%20notebook.py?overwrite=false", SOURCE)).status).toBe(409);
  expect((await put("my%20notebook.py?overwrite=true", SOURCE)).status).toBe(200);
  expect((await put("no/parent.txt", "x")).status).toBe(404);
  expect((await put("100%25.txt", "")).status).toBe(200);
  expect(sandbox.tree().map((o) => o.path)).toEqual(["/my notebook", "/100%.txt"]);
});

test("a directory as zip of sources: the folder's name first, colliding names twice", async () => {
  const sandbox = await testSandbox({ directoryExport: "source-zip" });
  await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/top/ENG/sub" });
  await sandbox.importAs("/top/ENG/a", SOURCE, python);
  await sandbox.importAs("/top/ENG/a.py", "FILE\n", { format: "RAW" });
  await sandbox.importAs("/top/ENG/sub/é", "SELECT 1", { format: "SOURCE", language: "SQL" });
  const archive = await sandbox.bytesOf("/top/ENG");
  expect(Object.keys(unzipSync(archive))).toEqual(["ENG/sub/é.sql", "ENG/a.py"]);
  expect(archive.toString("latin1").split("ENG/a.py")).toHaveLength(5);
  sandbox.set({ filesInSource: false });
  expect(unzipSync(await sandbox.bytesOf("/top/ENG"))["ENG/a.py"]).toEqual(
    new Uint8Array(Buffer.from(SOURCE)),
  );
  sandbox.set({ directoryExport: "dbc" });
  expect(Object.keys(unzipSync(await sandbox.bytesOf("/top/ENG")))).toEqual([
    "ENG/sub/é.sql",
    "ENG/a.python",
  ]);
});

test("DBC: a notebook and a directory go out and come back", async () => {
  const sandbox = await testSandbox();
  await sandbox.post("/api/2.0/workspace/mkdirs", { path: "/ENG/sub" });
  await sandbox.importAs("/ENG/sub/n", SOURCE, python);
  await sandbox.importAs("/ENG/r", "x", { format: "SOURCE", language: "R" });
  await sandbox.importAs("/copy", await sandbox.bytesOf("/ENG", "DBC"), { format: "DBC" });
  expect((await sandbox.bytesOf("/copy/sub/n")).toString()).toBe(SOURCE);
  await sandbox.importAs("/one", await sandbox.bytesOf("/ENG/sub/n", "DBC"), { format: "DBC" });
  expect((await sandbox.bytesOf("/one")).toString()).toBe(SOURCE);
  const again = await sandbox.importAs("/copy", await sandbox.bytesOf("/ENG", "DBC"), { format: "DBC" });
  expect(again.json.error_code).toBe("RESOURCE_ALREADY_EXISTS");
});

test("limits: the content limit for import and export, the download limit for FILEs", async () => {
  const sandbox = await testSandbox({ contentLimit: 100, downloadLimit: 1000 });
  const upload = (path: string, size: number) =>
    sandbox.call("POST", `/api/2.0/workspace-files/import-file/${path}`, Buffer.alloc(size, 120));
  expect((await sandbox.importAs("/x", "x".repeat(101), python)).json.error_code).toBe(
    "MAX_NOTEBOOK_SIZE_EXCEEDED",
  );
  await upload("f", 1000);
  await upload("g", 1001);
  const exported = (query: string) => sandbox.get(`/api/2.0/workspace/export?${query}`);
  expect((await exported("path=/f")).json.error_code).toBe("BAD_REQUEST");
  expect((await exported("path=/f&direct_download=true")).bytes).toHaveLength(1000);
  expect((await exported("path=/g&direct_download=true")).json.error_code).toBe("BAD_REQUEST");
  await sandbox.importAs("/n", "x", python);
  sandbox.set({ contentLimit: 10 });
  expect((await exported("path=/n&direct_download=true")).json.error_code).toBe("MAX_NOTEBOOK_SIZE_EXCEEDED");
  expect((await exported("path=/&format=DBC")).json.error_code).toBe("MAX_NOTEBOOK_SIZE_EXCEEDED");
});

test("every hostile name is listed, read and exported through its URL", async () => {
  const sandbox = await testSandbox({
    tree: { notebooks: 130, engagements: 3, hostile: true },
    directoryExport: "source-zip",
  });
  const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  const objects = sandbox.tree("/Clients/2025/ENG-003/NOTEBOOKS").filter((o) => o.sha256);
  expect(objects.length).toBeGreaterThan(55);
  for (const object of objects) {
    expect((await sandbox.get(STATUS + at(object.path))).json.object_id).toBe(object.object_id);
    expect(sha(await sandbox.bytesOf(object.path)), object.path).toBe(object.sha256);
  }
  const listed = (await sandbox.get(LIST + at("/Clients/2025/ENG-003/NOTEBOOKS"))).json.objects;
  expect(listed).toHaveLength(objects.length + 1);
});

test("denied paths answer 403", async () => {
  const sandbox = await testSandbox({ deniedPaths: ["/secret"] });
  expect((await sandbox.get(LIST + at("/secret/x"))).json.error_code).toBe("PERMISSION_DENIED");
  expect((await sandbox.get(LIST + at("/secretary"))).status).toBe(404);
});

test("secrets and the current user", async () => {
  const sandbox = await testSandbox({ secrets: { s: { k: "väl" } }, userName: "u@example.com" });
  expect((await sandbox.get("/api/2.0/secrets/get?scope=s&key=k")).json.value).toBe(
    Buffer.from("väl").toString("base64"),
  );
  expect((await sandbox.get("/api/2.0/secrets/get?scope=s&key=x")).status).toBe(404);
  expect((await sandbox.get("/api/2.0/secrets/get?scope=x&key=k")).status).toBe(404);
  expect((await sandbox.get("/api/2.0/secrets/list?scope=s")).json.secrets[0].key).toBe("k");
  expect((await sandbox.get("/api/2.0/secrets/scopes/list")).json.scopes[0].name).toBe("s");
  expect((await sandbox.get("/api/2.0/preview/scim/v2/Me")).json.userName).toBe("u@example.com");
});
