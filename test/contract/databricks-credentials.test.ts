import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type SandboxOptions, startSandbox } from "@lakeferry/sandbox";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Secret } from "../../core/src/job/secret.ts";
import {
  CountingPacer,
  certificate,
  cleanUp,
  contextWith,
  databricks,
  failure,
  later,
  openDatabricks,
  opened,
  serving,
  tunnelTo,
} from "./databricks-fixtures.ts";

afterEach(cleanUp);

async function sandbox(options: SandboxOptions = {}) {
  const server = await startSandbox(options);
  later(() => server.close());
  return server;
}

const m2m = (server: { url: string; clientId: string; clientSecret: string }) => ({
  host: server.url,
  clientId: server.clientId,
  clientSecret: server.clientSecret,
});

describe("OAuth for a service principal", () => {
  it("makes one token request for 50 calls at once", async () => {
    const server = await sandbox();
    const { read, pacer } = await opened(m2m(server));
    await Promise.all(Array.from({ length: 50 }, () => read.list("/")));
    expect(server.stats().tokensIssued).toBe(1);
    expect(pacer.count("oauth/token")).toBe(1);
    expect(pacer.count("workspace/list")).toBe(50);
  });

  it("renews once when tokens are refused, however many calls meet it", async () => {
    const server = await sandbox();
    const { read, pacer } = await opened(m2m(server));
    await read.list("/");
    server.expireTokens();
    const before = pacer.calls.length;
    await Promise.all(Array.from({ length: 20 }, () => read.list("/")));
    expect(server.stats().tokensIssued).toBe(2);
    expect(pacer.calls.slice(before).filter((call) => call === "workspace/list").length).toBe(40);
  });

  it("renews before a token expires", async () => {
    let now = Date.now();
    const server = await sandbox({ tokenSeconds: 600, now: () => now });
    const { read } = await opened(m2m(server), { now: () => now });
    await read.list("/");
    now += 470_000;
    await read.list("/");
    expect(server.stats().tokensIssued).toBe(1);
    now += 20_000;
    await read.list("/");
    expect(server.stats().tokensIssued).toBe(2);
  });

  it("gives up after one renewal", async () => {
    let tokens = 0;
    const host = await serving((request, response) => {
      if (request.url === "/oidc/v1/token") {
        tokens++;
        response.end(JSON.stringify({ access_token: `t${tokens}`, expires_in: 3600 }));
      } else response.writeHead(401).end("{}");
    });
    const { read, pacer } = await opened({ host, clientId: "id", clientSecret: "secret" });
    const error = await failure(read.list("/"));
    expect(error.code).toBe("unauthenticated");
    expect(error.hint).toContain("oauth-m2m");
    expect([tokens, pacer.count("workspace/list")]).toEqual([2, 2]);
  });

  it("names the service principal when the secret is refused, asks again next time, and prints no secret", async () => {
    const server = await sandbox();
    const { read, pacer } = await opened({ ...m2m(server), clientSecret: "wr0ng-secret" });
    for (const _ of [1, 2]) {
      const error = await failure(read.list("/"));
      expect(error.code).toBe("unauthenticated");
      expect(error.message).toContain(server.clientId);
      expect(inspect(error, { depth: 9 })).not.toContain("wr0ng");
    }
    expect(pacer.count("oauth/token")).toBe(2);
    expect(pacer.count("workspace/list")).toBe(0);
  });

  it("refuses a login page instead of a token", async () => {
    const host = await serving((_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
    );
    const { read } = await opened({ host, clientId: "id", clientSecret: "secret" });
    expect((await failure(read.list("/"))).code).toBe("corrupt");
  });
});

describe("Azure credentials", () => {
  const host = "adb-1.2.azuredatabricks.net";

  /** A workspace of Azure and its sign-in, both the sandbox, behind a proxy. */
  async function azure() {
    const pem = certificate(host, "login.microsoftonline.com");
    const server = await sandbox({ tls: pem });
    return { server, settings: { host, caFile: pem.file }, ...(await tunnelTo(server.url)) };
  }

  it("of an application: one token from the tenant's sign-in", async () => {
    const { server, settings, env, hosts } = await azure();
    const application = {
      azureTenantId: "tenant",
      azureClientId: server.clientId,
      azureClientSecret: server.clientSecret,
    };
    const { read } = await opened({ ...settings, ...application }, { env });
    expect(await read.list("/")).toEqual([]);
    expect(hosts).toEqual(["login.microsoftonline.com:443", `${host}:443`]);
    expect(server.stats().tokensIssued).toBe(1);
  });

  it("of `az`: asked for once, and again after a refusal", async () => {
    const { server, settings, env } = await azure();
    const folder = mkdtempSync(join(tmpdir(), "az-"));
    const calls = join(folder, "calls");
    const answer = JSON.stringify({ accessToken: server.token, expiresOn: "2999-01-01 00:00:00.000000" });
    writeFileSync(join(folder, "az"), `#!/bin/sh\necho "$@" >> '${calls}'\necho '${answer}'\n`, {
      mode: 0o755,
    });
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    later(() => vi.unstubAllEnvs());
    const { read } = await opened({ ...settings, authType: "azure-cli" }, { env });
    await Promise.all([read.list("/"), read.list("/")]);
    const once = readFileSync(calls, "utf8").split("\n").length;
    await read.list("/");
    expect(readFileSync(calls, "utf8").split("\n").length).toBe(once);
    server.installFaults([{ kind: "status", status: 401, nth: 1 }]);
    await read.list("/");
    expect(readFileSync(calls, "utf8").split("\n").length).toBeGreaterThan(once);
  });

  it("of `az` that is signed out: say what to do", async () => {
    const { settings, env } = await azure();
    const folder = mkdtempSync(join(tmpdir(), "az-"));
    writeFileSync(join(folder, "az"), "#!/bin/sh\necho 'Please run az login' >&2\nexit 1\n", { mode: 0o755 });
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    later(() => vi.unstubAllEnvs());
    const { read } = await opened({ ...settings, authType: "azure-cli" }, { env });
    const error = await failure(read.list("/"));
    expect([error.code, error.retryable]).toEqual(["unauthenticated", false]);
    expect(error.hint).toContain("az login");
  });
});

describe("personal access tokens", () => {
  it("are sent as they are, without a line end, and are not renewed", async () => {
    const server = await sandbox();
    expect(await (await opened({ host: server.url, token: `${server.token}\n` })).read.list("/")).toEqual([]);
    expect(
      await (await opened({ host: server.url, token: new Secret(server.token) })).read.list("/"),
    ).toEqual([]);
    const { read, pacer } = await opened({ host: server.url, token: server.token });
    server.installFaults([{ kind: "status", status: 401, errorCode: "UNAUTHENTICATED" }]);
    const error = await failure(read.list("/"));
    expect(error.code).toBe("unauthenticated");
    expect(error.hint).toContain("DATABRICKS_TOKEN");
    expect(pacer.calls).toEqual(["workspace/list"]);
  });
});

it("refuses a token that no header can carry, without showing it", async () => {
  for (const token of [" \n", "dapi1\ndapi2", "dapi„x“"]) {
    const error = await failure(opened({ host: "https://a.cloud.databricks.com", token }));
    expect(error.code).toBe("invalid-input");
    expect(inspect(error)).not.toContain("dapi");
  }
});

describe("choosing credentials", () => {
  const host = "https://adb-1.2.azuredatabricks.net";
  const HOME = mkdtempSync(join(tmpdir(), "home-"));
  const choose = (settings: Record<string, unknown>, env: Record<string, string> = { HOME }) =>
    opened(settings, { env });

  it("lists every way when there are none", async () => {
    const error = await failure(choose({ host }));
    expect(error.code).toBe("invalid-input");
    for (const name of [...Object.values(databricks.environment).flat()].filter(
      (n) => !/HOST|CA_FILE/.test(n),
    ))
      expect(error.hint).toContain(name);
  });

  it("asks for the host", async () => {
    const error = await failure(choose({ token: "t" }));
    expect(error.code).toBe("invalid-input");
    expect(error.hint).toContain("DATABRICKS_HOST");
  });

  it("does not guess between two kinds", async () => {
    const two = { host, token: "t", azureTenantId: "a", azureClientId: "b", azureClientSecret: "c" };
    expect((await failure(choose(two))).hint).toContain("DATABRICKS_AUTH_TYPE");
    await choose({ ...two, authType: "pat" });
  });

  it("names what is missing of a kind", async () => {
    const error = await failure(choose({ host, clientSecret: "s" }));
    expect(error.code).toBe("invalid-input");
    expect(error.hint).toContain("DATABRICKS_CLIENT_ID");
    expect((await failure(choose({ host, authType: "nonsense" }))).message).toContain("authType");
  });

  it("takes a URL as an address, and nothing else", () => {
    expect(databricks.fromAddress(host)).toEqual({ host });
    expect(databricks.fromAddress("./folder")).toBeUndefined();
  });

  it("takes credentials of another kind from outside", async () => {
    const server = await sandbox();
    const pacer = new CountingPacer();
    let asked = 0;
    const connection = await openDatabricks({ host: server.url }, contextWith(pacer), {
      credentials: () => ({
        kind: "workload-identity",
        renewal: "",
        renewable: true,
        obtain: async () => {
          asked++;
          return { headers: { authorization: `Bearer ${server.token}` } };
        },
      }),
    });
    later(() => connection.close());
    await connection.read.workspace.list("/");
    await connection.read.workspace.list("/");
    expect(asked).toBe(1);
  });
});

describe("profiles", () => {
  const profiles = (text: string) => {
    const HOME = mkdtempSync(join(tmpdir(), "home-"));
    writeFileSync(join(HOME, ".databrickscfg"), text);
    return { env: { HOME } };
  };

  it("give host and token, with port and scheme", async () => {
    const server = await sandbox();
    const at = profiles(
      `[DEFAULT]\nhost = ${server.url}\ntoken = ${server.token}\n[other]\nhost = ${server.url}\ntoken = x\n`,
    );
    expect(await (await opened({}, at)).read.list("/")).toEqual([]);
    expect((await failure((await opened({ profile: "other" }, at)).read.list("/"))).code).toBe("forbidden");
  });

  it("give a service principal", async () => {
    const server = await sandbox();
    const at = profiles(
      `[ci.main]\nhost = ${server.url}\nclient_id = ${server.clientId}\nclient_secret = ${server.clientSecret}\n`,
    );
    expect(await (await opened({ profile: "ci.main" }, at)).read.list("/")).toEqual([]);
  });

  it("never lend their token to another host, nor without being named", async () => {
    const at = profiles("[DEFAULT]\nhost = https://a.cloud.databricks.com\ntoken = x\n");
    const elsewhere = { host: "https://b.cloud.databricks.com" };
    expect((await failure(opened({ ...elsewhere, profile: "DEFAULT" }, at))).message).toContain("a.cloud");
    expect((await failure(opened(elsewhere, at))).message).toContain("No credentials");
  });

  it("are named when they are not there", async () => {
    const at = profiles("[DEFAULT]\n");
    expect((await failure(opened({ profile: "prod" }, at))).message).toContain("no profile prod");
  });
});
