import { expect, test } from "vitest";
import { at, type TestSandbox, testSandbox } from "../testing.ts";

const ROOT = `/api/2.0/workspace/list${at("/")}`;
const as = (sandbox: TestSandbox, authorization: string) =>
  sandbox.call("GET", ROOT, undefined, { authorization });

async function tokenOf(
  sandbox: TestSandbox,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const body = Buffer.from(new URLSearchParams(form).toString());
  return sandbox.call("POST", path, body, {
    authorization: "",
    "content-type": "application/x-www-form-urlencoded",
    ...headers,
  });
}

test("401 without a token, 403 with an unknown one", async () => {
  const sandbox = await testSandbox();
  const missing = await as(sandbox, "");
  expect([missing.status, missing.json.error_code]).toEqual([401, "UNAUTHENTICATED"]);
  expect((await as(sandbox, "Bearer nonsense")).status).toBe(403);
  expect((await as(sandbox, `Bearer ${sandbox.token}`)).status).toBe(200);
});

test("client credentials, by Basic and by form, until the token ends", async () => {
  let clock = 0;
  const sandbox = await testSandbox({ now: () => clock, tokenSeconds: 60 });
  const { clientId, clientSecret } = sandbox;
  const found = await sandbox.call("GET", "/oidc/.well-known/oauth-authorization-server", undefined, {
    authorization: "",
  });
  const path = new URL(found.json.token_endpoint).pathname;
  const basic = { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` };
  const grant = { grant_type: "client_credentials", scope: "all-apis" };
  const first = await tokenOf(sandbox, path, grant, basic);
  expect(first.json).toMatchObject({ token_type: "Bearer", expires_in: 60 });
  const second = await tokenOf(sandbox, path, { ...grant, client_id: clientId, client_secret: clientSecret });
  expect((await as(sandbox, `Bearer ${second.json.access_token}`)).status).toBe(200);
  clock = 60_000;
  expect((await as(sandbox, `Bearer ${first.json.access_token}`)).status).toBe(401);
  expect(
    (await tokenOf(sandbox, path, { ...grant, client_id: clientId, client_secret: "no" })).json.error,
  ).toBe("invalid_client");
  expect((await tokenOf(sandbox, path, { grant_type: "password" })).json.error).toBe(
    "unsupported_grant_type",
  );
  expect(sandbox.stats().tokensIssued).toBe(2);
});

test("token exchange", async () => {
  const sandbox = await testSandbox({ tokens: { subjectTokens: ["good"] } });
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    client_id: sandbox.clientId,
    scope: "all-apis",
  };
  const good = await tokenOf(sandbox, "/oidc/v1/token", { ...form, subject_token: "good" });
  expect((await as(sandbox, `Bearer ${good.json.access_token}`)).status).toBe(200);
  expect((await tokenOf(sandbox, "/oidc/v1/token", { ...form, subject_token: "bad" })).json.error).toBe(
    "invalid_grant",
  );
  expect((await tokenOf(sandbox, "/oidc/v1/token", form)).json.error).toBe("invalid_request");
});

test("Azure's token endpoints, both versions", async () => {
  const sandbox = await testSandbox();
  const form = {
    grant_type: "client_credentials",
    client_id: sandbox.clientId,
    client_secret: sandbox.clientSecret,
  };
  const v1 = await tokenOf(sandbox, "/tenant/oauth2/token", {
    ...form,
    resource: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",
  });
  const v2 = await tokenOf(sandbox, "/tenant/oauth2/v2.0/token", {
    ...form,
    scope: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default",
  });
  expect(v1.json.expires_on).toMatch(/^\d+$/);
  for (const answer of [v1, v2])
    expect((await as(sandbox, `Bearer ${answer.json.access_token}`)).status).toBe(200);
  expect((await tokenOf(sandbox, "/tenant/oauth2/token", form)).json.error).toBe("invalid_request");
});

test("rate limits: 429 with Retry-After, then room again", async () => {
  let clock = 0;
  const sandbox = await testSandbox({
    now: () => clock,
    rateLimits: true,
    exportPerSecond: 3,
    tree: { notebooks: 1 },
  });
  const path = sandbox.tree().find((o) => o.object_type === "NOTEBOOK")!.path;
  const statuses = async (n: number) => {
    const seen = [];
    for (let i = 0; i < n; i++) seen.push(await sandbox.get(`/api/2.0/workspace/export${at(path)}`));
    return seen;
  };
  const first = await statuses(4);
  expect(first.map((a) => a.status)).toEqual([200, 200, 200, 429]);
  expect(first[3]!.headers.get("retry-after")).toBe("1");
  expect(first[3]!.json.error_code).toBe("REQUEST_LIMIT_EXCEEDED");
  clock = 1000;
  expect((await statuses(4)).map((a) => a.status)).toEqual([200, 200, 200, 429]);
  expect((await sandbox.get(ROOT)).status).toBe(200);
});
