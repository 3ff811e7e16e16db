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
