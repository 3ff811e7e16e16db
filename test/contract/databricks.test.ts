import { randomBytes } from "node:crypto";
import { startSandbox } from "@lakeferry/sandbox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Check } from "../../core/src/job/connections.ts";
import { cleanUp, failure, later, opened } from "./databricks-fixtures.ts";

const { LAKEFERRY_CONTRACT_DATABRICKS_HOST: host, LAKEFERRY_CONTRACT_DATABRICKS_TOKEN: token } = process.env;
const parent = process.env.LAKEFERRY_CONTRACT_DATABRICKS_FOLDER ?? "/Shared";
const folder = `${parent}/lakeferry-contract-${randomBytes(4).toString("hex")}`;

const notebook = (text: string) => Buffer.from(`# Databricks notebook source\n${text}\n`);

/** What holds for every workspace: the sandbox, or the real service where the environment names one. */
describe(`the Databricks connector against ${host ? "a real workspace" : "the sandbox"}`, () => {
  let at: Awaited<ReturnType<typeof opened>>;

  beforeAll(async () => {
    const settings = host && token ? { host, token } : await sandbox();
    at = await opened(settings, { env: host ? process.env : {} });
    await at.write.mkdirs(folder);
  });
  afterAll(async () => {
    await at.write.delete(folder, { recursive: true });
    await cleanUp();
  });

  async function sandbox() {
    const server = await startSandbox();
    later(() => server.close());
    return { host: server.url, token: server.token };
  }

  it("hands out a reader without any writing method", () => {
    for (const name of ["mkdirs", "import", "upload", "delete"]) {
      expect((at.read as unknown as Record<string, unknown>)[name]).toBeUndefined();
      expect(name in at.write).toBe(true);
    }
  });

  it("publishes the known rates", () => {
    expect([...at.pacer.rates]).toEqual([
      ["workspace/export", 60],
      ["workspace/import", 30],
    ]);
  });

  it("makes a folder once, and does nothing the second time", async () => {
    await at.write.mkdirs(`${folder}/a/b`);
    await at.write.mkdirs(`${folder}/a/b`);
    expect((await at.read.stat(`${folder}/a/b`))?.type).toBe("DIRECTORY");
  });

  it("refuses a folder where something else is", async () => {
    await at.write.import(`${folder}/taken`, notebook("1"), {
      format: "SOURCE",
      language: "PYTHON",
      overwrite: true,
    });
    expect((await failure(at.write.mkdirs(`${folder}/taken`))).code).toBe("already-exists");
  });

  it("returns a notebook byte for byte", async () => {
    const content = notebook('x = "ß – 雪"\n\n# COMMAND ----------\n\nprint(x)');
    await at.write.import(`${folder}/bytes`, content, {
      format: "SOURCE",
      language: "PYTHON",
      overwrite: false,
    });
    expect((await at.read.export(`${folder}/bytes`, "SOURCE")).toString()).toBe(content.toString());
  });

  it("counts every request once at the pacer", async () => {
    const before = at.pacer.calls.length;
    await at.read.list(folder);
    await at.read.stat(folder);
    expect(at.pacer.calls.slice(before)).toEqual(["workspace/list", "workspace/get-status"]);
  });

  it("takes names with every character a URL gives a meaning to", async () => {
    const names = ["100%", "a%2Fb", "q?x=1&y=2", "h#1", "p+q r", "ünï 雪", "semi;colon", "'quote\""];
    await at.write.mkdirs(`${folder}/names`);
    for (const name of names) {
      const path = `${folder}/names/${name}`;
      await at.write.import(path, notebook(name), { format: "SOURCE", language: "PYTHON", overwrite: true });
      expect((await at.read.export(path, "SOURCE")).toString()).toContain(name);
    }
    const listed = await at.read.list(`${folder}/names`);
    expect(listed.map((object) => object.path.split("/").pop()).sort()).toEqual([...names].sort());
    for (const object of listed) expect(await at.read.stat(object.path)).toEqual(object);
  });

  it("uploads files with such names, and gives their bytes and size back", async () => {
    const content = randomBytes(100_000);
    const path = `${folder}/50% – a+b #1.bin`;
    await at.write.upload(path, content, { overwrite: false });
    expect((await at.read.export(path, "AUTO")).equals(content)).toBe(true);
    expect(await at.read.stat(path)).toMatchObject({ type: "FILE", size: content.length });
    expect((await failure(at.write.upload(path, content, { overwrite: false }))).code).toBe("already-exists");
    await at.write.upload(path, content.subarray(0, 10), { overwrite: true });
    expect((await at.read.export(path, "AUTO")).length).toBe(10);
  });

  it("exports a file of JSON, and one that looks like an error, as they are", async () => {
    const files = {
      "error.json": '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}',
      "data.json": '{"content":"aGVsbG8="}',
    };
    for (const [name, text] of Object.entries(files)) {
      await at.write.upload(`${folder}/${name}`, Buffer.from(text), { overwrite: true });
      expect((await at.read.export(`${folder}/${name}`, "AUTO")).toString()).toBe(text);
    }
  });

  it("exports a folder as an archive", async () => {
    await at.write.mkdirs(`${folder}/pack`);
    for (const name of ["one", "two"])
      await at.write.import(`${folder}/pack/${name}`, notebook(name), {
        format: "SOURCE",
        language: "PYTHON",
        overwrite: true,
      });
    for (const format of ["SOURCE", "DBC", "AUTO"] as const)
      expect((await at.read.export(`${folder}/pack`, format)).subarray(0, 2).toString()).toBe("PK");
  });

  it("lists an empty folder as nothing, a missing one as not found", async () => {
    await at.write.mkdirs(`${folder}/empty`);
    expect(await at.read.list(`${folder}/empty`)).toEqual([]);
    const error = await failure(at.read.list(`${folder}/nowhere`));
    expect(error.code).toBe("not-found");
    expect(error.message).toContain(`${folder}/nowhere`);
    expect(await at.read.stat(`${folder}/nowhere`)).toBeUndefined();
    expect((await failure(at.read.export(`${folder}/nowhere`, "SOURCE"))).code).toBe("not-found");
  });

  it("refuses to write over what is there, unless asked to", async () => {
    const path = `${folder}/twice`;
    const options = { format: "SOURCE", language: "PYTHON", overwrite: false } as const;
    await at.write.import(path, notebook("first"), options);
    const error = await failure(at.write.import(path, notebook("second"), options));
    expect(error.code).toBe("already-exists");
    expect(error.retryable).toBe(false);
    await at.write.import(path, notebook("third"), { ...options, overwrite: true });
    expect((await at.read.export(path, "SOURCE")).toString()).toContain("third");
  });

  it("refuses to write below a folder that is missing", async () => {
    const options = { format: "SOURCE", language: "PYTHON", overwrite: true } as const;
    expect((await failure(at.write.import(`${folder}/no/x`, notebook("x"), options))).code).toBe("not-found");
    expect((await failure(at.write.upload(`${folder}/no/x.txt`, Buffer.from("x"), options))).code).toBe(
      "not-found",
    );
  });

  it("calls an import above the limit too large", async () => {
    const content = Buffer.concat([notebook("x"), Buffer.alloc(11 * 1024 * 1024, "#")]);
    const options = { format: "SOURCE", language: "PYTHON", overwrite: true } as const;
    expect((await failure(at.write.import(`${folder}/big`, content, options))).code).toBe("too-large");
  });

  it("deletes: what is missing is done, a full folder only with everything in it", async () => {
    await at.write.mkdirs(`${folder}/full/inner`);
    const error = await failure(at.write.delete(`${folder}/full`, { recursive: false }));
    expect(error.code).toBe("conflict");
    expect(error.hint).toContain("recursive");
    await at.write.delete(`${folder}/full`, { recursive: true });
    await at.write.delete(`${folder}/full`, { recursive: true });
    expect(await at.read.stat(`${folder}/full`)).toBeUndefined();
  });

  it("checks reachability, credentials, the clock and listing", async () => {
    const checks: Check[] = [];
    for await (const check of at.connection.check()) checks.push(check);
    expect(checks.map((check) => [check.name, check.result])).toEqual([
      ["reachable", "ok"],
      ["credentials", "ok"],
      ["clock", "ok"],
      ["list /", "ok"],
    ]);
    expect(checks[1]?.detail).toContain("(pat)");
  });

  it("names the scope and the key of a secret that is not there", async () => {
    const error = await failure(at.connection.secret!("lakeferry-no-such-scope", "key"));
    expect(error.code).toBe("not-found");
    expect(error.message).toContain("lakeferry-no-such-scope/key");
  });
});
