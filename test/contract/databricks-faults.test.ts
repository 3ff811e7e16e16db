import { type SandboxOptions, startSandbox } from "@lakeferry/sandbox";
import { afterEach, describe, expect, it } from "vitest";
import type { Check } from "../../core/src/job/connections.ts";
import { certificate, cleanUp, failure, later, opened, serving, tunnelTo } from "./databricks-fixtures.ts";

afterEach(cleanUp);

async function sandbox(options: SandboxOptions = {}) {
  const server = await startSandbox(options);
  later(() => server.close());
  return server;
}

async function withSandbox(options: SandboxOptions = {}) {
  const server = await sandbox(options);
  return { server, ...(await opened({ host: server.url, token: server.token })) };
}

const SOURCE = { format: "SOURCE", language: "PYTHON", overwrite: true } as const;

describe("answers that break off", () => {
  it.each([{ kind: "truncate" }, { kind: "reset", after: 5 }, { kind: "reset", after: 0 }] as const)(
    "%j is a retryable failure that the pacer sees",
    async (fault) => {
      const { server, pacer, read, write } = await withSandbox();
      const content = Buffer.from(`# Databricks notebook source\n${"x = 1\n".repeat(100)}`);
      await write.import("/x", content, SOURCE);
      server.installFaults([{ ...fault, endpoint: "GET /api/2.0/workspace/export", nth: 1, id: "cut" }]);
      pacer.retries = 1;
      expect((await read.export("/x", "SOURCE")).length).toBe(content.length);
      expect(server.faults()[0]?.hits).toBe(1);
      expect(pacer.errors.map((error) => [error.code, error.retryable])).toEqual([["unavailable", true]]);
    },
  );

  it("does not trust a body shorter than its Content-Length when the connection ends cleanly", async () => {
    const host = await serving((_, response) => {
      response.socket?.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort");
    });
    const { read } = await opened({ host, token: "t" });
    const error = await failure(read.export("/x", "SOURCE"));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
    expect(error.message).toContain("5 of 100 bytes");
  });

  it("retries no import without overwrite", async () => {
    const { server, pacer, write } = await withSandbox();
    server.installFaults([
      { kind: "status", status: 503, applied: true, nth: 1, endpoint: "POST /api/2.0/workspace/import" },
    ]);
    pacer.retries = 3;
    const error = await failure(write.import("/x", Buffer.from("1"), { ...SOURCE, overwrite: false }));
    expect(error.code).toBe("unavailable");
    expect(pacer.errors).toHaveLength(1);
  });
});

describe("answers that are errors", () => {
  it.each([
    [400, "RESOURCE_ALREADY_EXISTS", "already-exists"],
    [404, "RESOURCE_DOES_NOT_EXIST", "not-found"],
    [400, "MAX_NOTEBOOK_SIZE_EXCEEDED", "too-large"],
    [400, "BAD_REQUEST", "too-large"],
    [400, "INVALID_PARAMETER_VALUE", "not-supported"],
    [403, "PERMISSION_DENIED", "forbidden"],
    [401, "UNAUTHENTICATED", "unauthenticated"],
    [429, "REQUEST_LIMIT_EXCEEDED", "throttled"],
    [500, "INTERNAL_ERROR", "unavailable"],
    [502, undefined, "unavailable"],
    [503, "TEMPORARILY_UNAVAILABLE", "unavailable"],
    [504, undefined, "timeout"],
    [501, "NOT_IMPLEMENTED", "not-supported"],
  ] as const)("an export answered %d %s is %s", async (status, errorCode, code) => {
    const { server, read } = await withSandbox();
    server.installFaults([{ kind: "status", status, ...(errorCode ? { errorCode } : {}) }]);
    const error = await failure(read.export("/some/where", "SOURCE"));
    expect(error.code).toBe(code);
    expect(error.message).toContain("/some/where");
  });

  it("takes 400 without a code for a creating request as already there, BAD_REQUEST not as too large", async () => {
    const { server, write } = await withSandbox();
    server.installFaults([{ kind: "status", status: 400, errorCode: "", nth: 1 }]);
    expect((await failure(write.mkdirs("/x"))).code).toBe("already-exists");
    server.installFaults([{ kind: "status", status: 400, errorCode: "BAD_REQUEST", nth: 1 }]);
    expect((await failure(write.mkdirs("/x"))).code).toBe("invalid-input");
  });

  it("finds the error in an export answered 200", async () => {
    const { server, read } = await withSandbox();
    const body = { error_code: "MAX_NOTEBOOK_SIZE_EXCEEDED", message: "too big" };
    server.installFaults([{ kind: "status", status: 200, body }]);
    expect((await failure(read.export("/x", "JUPYTER"))).code).toBe("too-large");
  });

  it("decodes an export answered as base64 in JSON", async () => {
    const { server, read } = await withSandbox();
    server.installFaults([{ kind: "status", status: 200, body: { content: "aGVsbG8=", file_type: "py" } }]);
    expect((await read.export("/x", "SOURCE")).toString()).toBe("hello");
  });

  it("survives details without metadata, and reads a delay from them", async () => {
    const details = [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo" },
      null,
      7,
      { retry_delay: { seconds: "3" } },
    ];
    const { server, read } = await withSandbox();
    server.installFaults([
      { kind: "status", status: 429, body: { error_code: "RESOURCE_EXHAUSTED", message: "m", details } },
    ]);
    expect(await failure(read.list("/"))).toMatchObject({ code: "throttled", retryAfterMs: 3000 });
  });

  it("reads Retry-After in seconds and as a date", async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const headers = ["7", date];
    const host = await serving((_, response) => {
      response.writeHead(429, { "retry-after": headers.shift()! }).end("{}");
    });
    const { read } = await opened({ host, token: "t" });
    expect((await failure(read.list("/"))).retryAfterMs).toBe(7000);
    const ms = (await failure(read.list("/"))).retryAfterMs!;
    expect(ms).toBeGreaterThan(55_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });

  it("does not take a login page for an answer", async () => {
    const host = await serving((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><title>Sign in</title>");
    });
    const { read, write } = await opened({ host, token: "t" });
    for (const work of [read.list("/"), read.export("/x", "SOURCE"), write.mkdirs("/x"), read.stat("/x")]) {
      const error = await failure(work);
      expect([error.code, error.retryable]).toEqual(["corrupt", false]);
      expect(error.hint).toContain("login page");
    }
  });

  it("judges an HTML error page by its status", async () => {
    const host = await serving((_, response) => {
      response.writeHead(503, { "content-type": "text/html" }).end("<html>down for maintenance</html>");
    });
    const error = await failure((await opened({ host, token: "t" })).read.list("/"));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
    expect(error.message).not.toContain("maintenance");
  });

  it("refuses a redirect and says where it led, without following it", async () => {
    let followed = 0;
    const target = await serving((_, response) => {
      followed++;
      response.end("{}");
    });
    const host = await serving((_, response) =>
      response.writeHead(302, { location: `${target}/login?a=1` }).end(),
    );
    const error = await failure((await opened({ host, token: "t" })).read.list("/"));
    expect(error.code).toBe("invalid-input");
    expect(error.hint).toContain(target);
    expect(followed).toBe(0);
  });
});

describe("exports that look like something else", () => {
  it.each([
    ["/page.html", "text/html", "<!doctype html>", undefined],
    ["/x", "text/html", "<html>", "attachment; filename=x"],
    ["/x.json", "application/json", '{"error_code":"X","message":"m"}', "attachment"],
    ["/x.json", "application/json", '{"error_code":"X","mine":1}', undefined],
    ["/x.json", "application/json", '{"content":"aGVsbG8=","mine":1}', undefined],
    ["/x.json", "application/json", "{ not json", undefined],
    ["/x.json", "application/octet-stream", '{"content":"aGVsbG8="}', undefined],
  ])("%s (%s) %s %s is the file itself", async (path, type, text, disposition) => {
    const host = await serving((_, response) => {
      if (disposition) response.setHeader("content-disposition", disposition);
      response.writeHead(200, { "content-type": type }).end(text);
    });
    expect((await (await opened({ host, token: "t" })).read.export(path, "AUTO")).toString()).toBe(text);
  });
});

describe("lists", () => {
  it("follow every page, past an empty one, and keep all digits of ids", async () => {
    const pages = [
      '{"objects":[{"object_type":"NOTEBOOK","path":"/a","object_id":9007199254740993,"language":"SQL","modified_at":1700000000000}],"next_page_token":"1"}',
      '{"next_page_token":"2"}',
      '{"objects":[{"object_type":"FILE","path":"/\\"object_id\\": 1234567890123456789","object_id": 12345678901234567890, "size": 3}]}',
    ];
    const asked: (string | null)[] = [];
    const host = await serving((request, response) => {
      const token = new URL(request.url!, "http://x").searchParams.get("page_token");
      asked.push(token);
      response.writeHead(200, { "content-type": "application/json" }).end(pages[Number(token ?? 0)]);
    });
    const { read, pacer } = await opened({ host, token: "t" });
    expect(await read.list("/")).toEqual([
      {
        path: "/a",
        objectId: "9007199254740993",
        type: "NOTEBOOK",
        language: "SQL",
        modifiedAt: 1700000000000,
      },
      { path: '/"object_id": 1234567890123456789', objectId: "12345678901234567890", type: "FILE", size: 3 },
    ]);
    expect(asked).toEqual([null, "1", "2"]);
    expect(pacer.count("workspace/list")).toBe(3);
  });

  it("end with an error when the same page comes again and again", async () => {
    const host = await serving((_, response) => response.end('{"next_page_token":"1"}'));
    expect((await failure((await opened({ host, token: "t" })).read.list("/"))).code).toBe("corrupt");
  });

  it("open no more connections than allowed", async () => {
    const server = await sandbox({ faults: [{ kind: "latency", ms: 5 }] });
    const { read } = await opened({ host: server.url, token: server.token, connections: "4" });
    await Promise.all(Array.from({ length: 60 }, () => read.list("/")));
    expect(server.stats().connections).toBeLessThanOrEqual(4);
  });
});

describe("hosts, TLS and proxies", () => {
  it("does not send to a server with a certificate it does not know; `ca-file` makes it known", async () => {
    const pem = certificate();
    const server = await sandbox({ tls: pem });
    const settings = { host: server.url, token: server.token };
    const error = await failure((await opened(settings)).read.list("/"));
    expect([error.code, error.retryable]).toEqual(["unavailable", false]);
    expect(error.hint).toContain("ca-file");
    expect(server.stats().connections).toBe(0);
    expect(await (await opened({ ...settings, caFile: pem.file })).read.list("/")).toEqual([]);
  });

  it("goes through the proxy of the given environment, and around it for NO_PROXY", async () => {
    const pem = certificate("workspace.invalid");
    const server = await sandbox({ tls: pem });
    const { env, hosts } = await tunnelTo(server.url);
    const settings = { host: "workspace.invalid", token: server.token, caFile: pem.file };
    expect(await (await opened(settings, { env })).read.list("/")).toEqual([]);
    expect(hosts).toEqual(["workspace.invalid:443"]);
    for (const NO_PROXY of ["*", ".invalid"]) {
      const around = await opened(settings, { env: { ...env, NO_PROXY } });
      expect((await failure(around.read.list("/"))).code).toBe("unavailable");
    }
    expect(hosts).toHaveLength(1);
  });

  it.each(["drops the connection", "refuses"])("says so when the proxy %s", async (how) => {
    let asked = 0;
    const proxy = await serving(
      () => {},
      (_, socket) => {
        asked++;
        if (how === "refuses") socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
        else socket.destroy();
      },
    );
    const settings = { host: "workspace.invalid", token: "t" };
    const error = await failure((await opened(settings, { env: { HTTPS_PROXY: proxy } })).read.list("/"));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
    expect(asked).toBe(1);
  });

  it.each([
    ["http://adb-1.azuredatabricks.net", "https only"],
    ["https://user:hunter2@adb-1.azuredatabricks.net", "credentials in its address"],
    ["ftp://x", "is not an address"],
    ["https://", "is not an address"],
  ])("refuses the host %s", async (host, why) => {
    const error = await failure(opened({ host, token: "t" }));
    expect(error.code).toBe("invalid-input");
    expect(error.message).toContain(why);
    expect(error.message).not.toContain("hunter2");
  });

  it("takes a host without a scheme as https, and drops what a browser adds", async () => {
    const { connection } = await opened({ host: "adb-1.2.azuredatabricks.net/browse?o=1#x", token: "t" });
    expect(connection.identity).toBe("https://adb-1.2.azuredatabricks.net");
  });

  it("names a server that is not there", async () => {
    const url = await serving(() => {});
    await cleanUp();
    const error = await failure((await opened({ host: url, token: "t" })).read.list("/"));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
    expect(error.message).toContain("refused");
  });

  it("sends its name and version", async () => {
    let agent: string | undefined;
    const host = await serving((request, response) => {
      agent = request.headers["user-agent"];
      response.end("{}");
    });
    await (await opened({ host, token: "t" })).read.list("/");
    expect(agent).toMatch(/^lakeferry\/\d+\.\d+\.\d+$/);
  });
});

describe("secrets", () => {
  it("are decoded", async () => {
    const { connection } = await withSandbox({ secrets: { scope: { "a key/1": "ge heim ß" } } });
    expect(await connection.secret!("scope", "a key/1")).toBe("ge heim ß");
  });
});

describe("aborting", () => {
  it("ends requests under way and those waiting for a connection at once", async () => {
    let seen = 0;
    const host = await serving(() => {
      seen++;
    });
    const abort = new AbortController();
    const { read } = await opened({ host, token: "t", connections: "2" }, { signal: abort.signal });
    const works = Array.from({ length: 10 }, () => failure(read.list("/")));
    while (seen < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const start = performance.now();
    abort.abort();
    for (const error of await Promise.all(works)) expect(error.code).toBe("cancelled");
    expect(performance.now() - start).toBeLessThan(500);
    expect(seen).toBe(2);
  });
});

describe("checks that fail", () => {
  const all = async (checks: AsyncIterable<Check>) => {
    const found: Check[] = [];
    for await (const check of checks) found.push(check);
    return found;
  };

  it("say so at the credentials, with the way out", async () => {
    const server = await sandbox();
    const checks = await all((await opened({ host: server.url, token: "wrong" })).connection.check());
    expect(checks.map((check) => [check.name, check.result])).toEqual([
      ["reachable", "ok"],
      ["credentials", "failed"],
    ]);
    expect(checks[1]?.hint).toContain("DATABRICKS_TOKEN");
  });

  it("say so at the connection", async () => {
    const checks = await all((await opened({ host: "http://127.0.0.1:9", token: "t" })).connection.check());
    expect(checks.map((check) => [check.name, check.result])).toEqual([["reachable", "failed"]]);
  });

  it("warn of a clock that is off", async () => {
    const server = await sandbox();
    const { connection } = await opened(
      { host: server.url, token: server.token },
      { now: () => Date.now() - 600_000 },
    );
    const clock = (await all(connection.check())).find((check) => check.name === "clock");
    expect(clock?.result).toBe("warning");
    expect(clock?.detail).toMatch(/^(599|60\d) s behind/);
  });

  it("say so when `/` may not be listed", async () => {
    const server = await sandbox({ deniedPaths: ["/"] });
    const checks = await all((await opened({ host: server.url, token: server.token })).connection.check());
    expect(checks.at(-1)).toMatchObject({ name: "list /", result: "failed" });
    expect(checks.at(-1)?.hint).toContain("Can Read");
  });
});
