import { type SandboxOptions, startSandbox } from "@lakeferry/sandbox";
import { afterEach, describe, expect, it } from "vitest";
import { cleanUp, failure, later, opened, serving } from "./databricks-fixtures.ts";

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
