import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { git } from "../../core/src/connectors/git/git.ts";
import { Secret } from "../../core/src/job/secret.ts";
import {
  all,
  at,
  cleanUp,
  files,
  folder,
  folders,
  gitChildren,
  holder,
  linux,
  open,
  seed,
  token,
} from "./git-places.ts";
import { GitServer, type ServedRepository } from "./git-server.ts";

afterAll(cleanUp);

/** Whether a process has ended; one that nobody has collected yet has. */
function isGone(pid: number): boolean {
  try {
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return true;
  }
}

describe("over http", () => {
  let server: GitServer;
  let repository: ServedRepository;
  let made = 0;
  const settings = { token: new Secret(token) };
  beforeAll(async () => {
    server = await GitServer.start({ basic: { password: token } });
  });
  beforeEach(async () => {
    repository = await server.repository(`h${++made}`);
    server.heal();
    server.forget();
  });
  afterAll(() => server.close());

  test("a fetch leaves the blobs out, and brings those asked for in one request", async () => {
    const c = await open(repository.url, { settings });
    const contents = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`d${i % 7}/f${i}`, `body ${i}`]),
    );
    const oid = await seed(c, "main", contents);
    const other = await open(repository.url, { settings });
    await other.read.fetch([oid]);
    const entries = await all(other.read.tree(oid));
    const here = join(folders.at(-1)!);
    const objects = () =>
      execFileSync(
        "git",
        ["--git-dir", here, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"],
        {
          encoding: "utf8",
        },
      );
    expect(objects()).not.toContain("blob");
    server.forget();
    await all(other.read.blobs(entries.slice(0, 256).map((entry) => entry.oid)));
    expect(server.fetches).toHaveLength(1);
    await all(other.read.blobs(entries.slice(0, 200).map((entry) => entry.oid)));
    expect(server.fetches).toHaveLength(1);
    expect(objects().match(/blob/g)).toHaveLength(256);
  });

  test("a push on top of a tree without blobs fetches nothing", async () => {
    const c = await open(repository.url, { settings });
    const one = await seed(c, "main", { "a/1": "one", "a/2": "two", "b/3": "three" });
    const other = await open(repository.url, { settings });
    await other.read.fetch([one]);
    server.forget();
    const two = await other.write.newCommit({
      parents: [one],
      changes: [
        { op: "put", path: "a/1", oid: await other.write.blob(Buffer.from("ONE")) },
        { op: "move", from: "b/3", to: "c/d/3" },
      ],
      message: "",
      at,
    });
    await other.write.push([{ name: "refs/heads/main", from: one, to: two }]);
    expect(server.requests.filter((one) => one.service === "git-upload-pack")).toEqual([]);
  });

  test("the token is in no command line, no file and no error", async () => {
    const endpoints: string[] = [];
    const c = await open(repository.url, { settings, endpoints });
    const secrets = [token, Buffer.from(`x-access-token:${token}`).toString("base64")];
    const lines: string[] = [];
    let watching = true;
    const watch = (async () => {
      for (; watching; await new Promise((resolve) => setTimeout(resolve, 1)))
        lines.push(...(await gitChildren("git")).map((one) => one.args));
    })();
    // A push takes its time, so that it is seen.
    server.fault({ service: "git-receive-pack", delayMs: 500 });
    await seed(c, "main", { a: "1" });
    await c.write.leases.acquire("main", holder("r"), { ttlMs: 10_000, takeOver: false });
    expect(server.heal()).toBeGreaterThan(0);
    watching = false;
    await watch;
    if (linux) expect(lines.join("\n")).toContain("git push");
    for (const secret of secrets) expect(lines.join("\n")).not.toContain(secret);
    for (const one of folders) {
      const config = await readFile(join(one, "config"), "utf8").catch(() => "");
      for (const secret of secrets) expect(config).not.toContain(secret);
    }
    expect(new Set(endpoints)).toEqual(new Set(["git/refs", "git/push"]));
    const wrong = await open(repository.url, { settings: { token: new Secret("wr0ng-t0ken") } });
    const error = await wrong.read.refs().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated", hint: expect.stringContaining("token") });
    expect(JSON.stringify(error) + String(error) + (error as Error).stack).not.toContain("wr0ng");
  });

  test.each([
    [401, "unauthenticated"],
    [403, "forbidden"],
    [404, "not-found"],
    [429, "throttled"],
    [503, "unavailable"],
  ])("HTTP %d is %s", async (status, code) => {
    const c = await open(repository.url, { settings });
    server.fault({ status, headers: { "retry-after": "7" } });
    const error = await c.read.refs().catch((thrown) => thrown);
    expect(error).toMatchObject({ code, retryAfterMs: 7000 });
    expect(server.heal()).toBeGreaterThan(0);
  });

  test("a token that may only read is forbidden to push", async () => {
    const c = await open(repository.url, { settings });
    server.fault({ service: "git-receive-pack", status: 403 });
    await expect(seed(c, "main", { a: "1" })).rejects.toMatchObject({ code: "forbidden" });
    const checks = await all(c.check());
    expect(checks.map((one) => one.result)).toEqual(["ok", "ok", "failed"]);
    expect(server.heal()).toBeGreaterThan(0);
  });

  test.each([{ reset: true }, { truncate: true, method: "POST" }] as const)(
    "a cut connection is retryable: %j",
    async (fault) => {
      const c = await open(repository.url, { settings });
      const one = await seed(c, "main", { a: "1" });
      const other = await open(repository.url, { settings });
      server.fault({ ...fault, service: "git-upload-pack" });
      await expect(other.read.fetch([one])).rejects.toMatchObject({ code: "unavailable", retryable: true });
      expect(server.heal()).toBeGreaterThan(0);
      await other.read.fetch([one]);
      expect(await files(other.read, one)).toEqual({ a: "1" });
    },
  );

  test("a push whose answer was lost is done when it is asked again", async () => {
    const c = await open(repository.url, { settings });
    const one = await seed(c, "main", { a: "1" });
    const two = await c.write.newCommit({ parents: [one], changes: [], message: "Two.", at });
    server.fault({ service: "git-receive-pack", method: "POST", truncate: true, times: 1 });
    const updates = [
      { name: "refs/heads/main", from: one, to: two },
      { name: "refs/heads/b", from: undefined, to: two },
    ];
    await c.write.push(updates).catch((error) => expect(error).toMatchObject({ retryable: true }));
    expect(server.heal()).toBe(1);
    await c.write.push(updates);
    expect((await c.read.refs()).map((ref) => ref.oid)).toEqual([two, two]);
  });

  test("an abort in the middle ends within a second and leaves no process", async () => {
    const controller = new AbortController();
    const before = folders.length;
    const c = await open(repository.url, { settings, signal: controller.signal });
    const lease = await c.write.leases.acquire("main", holder("r"), { ttlMs: 60_000, takeOver: false });
    await c.write.blob(Buffer.from("x"));
    server.fault({ delayMs: 5000, times: 1 });
    const began = performance.now();
    const refs = c.read.refs();
    setTimeout(() => controller.abort(), 200);
    await expect(refs).rejects.toMatchObject({ code: "cancelled" });
    expect(performance.now() - began).toBeLessThan(1200);
    await expect(c.write.blob(Buffer.from("y"))).rejects.toMatchObject({ code: "cancelled" });
    expect(server.heal()).toBe(1);
    expect(await lease.release()).toBe(true);
    expect(repository.git("for-each-ref")).toBe("");
    await c.close();
    expect(await gitChildren("git", folders.slice(before))).toEqual([]);
  });

  test("an abort in the middle of a push ends everything git started", async () => {
    const controller = new AbortController();
    const c = await open(repository.path, { signal: controller.signal });
    const before = folders.length;
    const one = await seed(c, "main", { a: "1" });
    const mark = await folder("mark");
    await repository.hook("pre-receive", `echo $$ > ${mark}/pid; sleep 30`);
    const push = c.write.push([{ name: "refs/heads/b", from: undefined, to: one }]);
    setTimeout(() => controller.abort(), 400);
    await expect(push).rejects.toMatchObject({ code: "cancelled" });
    const pid = Number(await readFile(join(mark, "pid"), "utf8"));
    await expect.poll(() => isGone(pid), { timeout: 1000 }).toBe(true);
    expect(await gitChildren("push", folders.slice(before))).toEqual([]);
  });

  test("a user's settings do not get in the way", async () => {
    const home = await folder("home");
    await writeFile(
      join(home, ".gitconfig"),
      [
        '[url "ssh://nowhere.invalid/"]\n insteadOf = http://127.0.0.1',
        "[commit]\n gpgsign = true\n[tag]\n gpgsign = true\n[push]\n gpgSign = true\n followTags = true",
        `[core]\n hooksPath = ${home}\n autocrlf = true`,
        "[init]\n defaultObjectFormat = sha256\n templateDir = /nowhere",
        "[safe]\n bareRepository = explicit\n[fetch]\n prune = true\n fsckObjects = true",
        '[http]\n extraHeader = "Authorization: Basic bm90OnRoaXM="\n',
      ].join("\n"),
    );
    await writeFile(join(home, "pre-push"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const env = { HOME: home, GIT_DIR: "/nowhere", GIT_TRACE_CURL: "1", GIT_SSL_NO_VERIFY: "1" };
    const c = await open(repository.url, { settings, env });
    const oid = await seed(c, "main", { a: "1\r\n" });
    const other = await open(repository.url, { settings, env });
    expect(await files(other.read, oid)).toEqual({ a: "1\r\n" });
  });

  test("large and many blobs pass with little memory, and have git's ids", async () => {
    const c = await open(repository.url, { settings });
    const large = Buffer.alloc(12_000_000, "0123456789");
    const oid = await c.write.blob(large);
    expect(oid).toBe(hash("sha1", Buffer.concat([Buffer.from(`blob ${large.length}\0`), large])));
    const commit = await c.write.newCommit({
      parents: [],
      changes: [{ op: "put", path: "l", oid }],
      message: "",
      at,
    });
    await c.write.push([{ name: "refs/heads/main", from: undefined, to: commit }]);
    expect(repository.git("cat-file", "-s", oid)).toBe("12000000");
  });
});

describe("addresses and credentials", () => {
  test.each([
    "https://user:pw@github.com/a/b.git",
    "http://github.com/a/b.git",
    "git://github.com/a/b.git",
    "ext::sh -c x",
    "https://github.com/a/b.git?token=x",
    "ssh://u:pw@h/x",
  ])("%s is refused", async (url) => {
    const error = await open(url).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "invalid-input" });
    expect(String(error)).not.toContain("pw");
  });

  test("an address is told from a name", () => {
    expect(git.fromAddress("https://github.com/a/b.git")).toEqual({ url: "https://github.com/a/b.git" });
    expect(git.fromAddress("../backups")).toEqual({ url: "../backups" });
    expect(git.fromAddress("git@github.com:a/b")).toEqual({ url: "git@github.com:a/b" });
    expect(git.fromAddress("production")).toBeUndefined();
  });

  test("a CI host's own token goes to that host alone", async () => {
    const server = await GitServer.start({ basic: { username: "x-access-token", password: token } });
    const { url } = await server.repository("r");
    const there = await open(url, { env: { GITHUB_TOKEN: token, GITHUB_SERVER_URL: server.url } });
    expect(await there.read.refs()).toEqual([]);
    server.forget();
    const elsewhere = await open(url, {
      env: { GITHUB_TOKEN: token, GITHUB_SERVER_URL: "https://github.com" },
    });
    await expect(elsewhere.read.refs()).rejects.toMatchObject({ code: "unauthenticated" });
    expect(server.requests.map((one) => one.authorization)).not.toContain(expect.stringContaining("Basic"));
    await server.close();
  });

  test("a folder that is not there, or no repository, is not found", async () => {
    const nowhere = await open("/nowhere/at/all");
    await expect(nowhere.read.refs()).rejects.toMatchObject({ code: "not-found" });
    const empty = await open(await folder("empty"));
    await expect(empty.read.refs()).rejects.toMatchObject({ code: "not-found" });
  });
});
