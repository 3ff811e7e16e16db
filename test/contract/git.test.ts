import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { git } from "../../core/src/connectors/git/git.ts";
import type { Change, GitReader } from "../../core/src/connectors/git/port.ts";
import type { Check, ConnectorContext, Opened } from "../../core/src/job/connections.ts";
import { cancelled } from "../../core/src/job/errors.ts";
import type { LeaseHolder } from "../../core/src/job/lease.ts";
import { Secret } from "../../core/src/job/secret.ts";
import { GitServer, type GitServerOptions, type ServedRepository } from "./git-server.ts";

const token = "s3cret-t0ken-of-a-user";
const at = new Date("2026-11-20T02:00:00Z");
const folders: string[] = [];
const connections: Opened<"git">[] = [];
const linux = process.platform === "linux";

async function folder(name: string): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), `lakeferry-${name}-`));
  folders.push(made);
  return made;
}

interface Given {
  signal?: AbortSignal;
  now?: () => number;
  env?: Record<string, string>;
  settings?: Record<string, unknown>;
  endpoints?: string[];
}

async function open(url: string, given: Given = {}): Promise<Opened<"git">> {
  const signal = given.signal ?? new AbortController().signal;
  const context: ConnectorContext = {
    signal,
    now: given.now ?? Date.now,
    random: () => 0.5,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...given.env },
    pacer: {
      call: async (endpoint, request) => {
        given.endpoints?.push(endpoint);
        if (signal.aborted) throw cancelled(signal);
        return request(signal);
      },
      publish: () => {},
    },
    temporaryFolder: folder,
    warn: () => {},
  };
  const settings = { url, committerName: "Ferry", committerEmail: "ferry@example.com", ...given.settings };
  const opened = await git.open(settings, context);
  connections.push(opened);
  return opened;
}

afterAll(async () => {
  for (const one of connections) await one.close();
  for (const one of folders) await rm(one, { recursive: true, force: true });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

async function files(read: GitReader, commit: string): Promise<Record<string, string>> {
  await read.fetch([commit]);
  const entries = await all(read.tree(commit));
  const bodies = await all(read.blobs(entries.map((entry) => entry.oid)));
  return Object.fromEntries(entries.map((entry, i) => [entry.path, bodies[i]!.bytes.toString()]));
}

/** Writes a commit with these files and puts a new branch on it. */
async function seed(c: Opened<"git">, branch: string, contents: Record<string, string>, parent?: string) {
  const changes: Change[] = [];
  for (const [path, body] of Object.entries(contents))
    changes.push({ op: "put", path, oid: await c.write.blob(Buffer.from(body)) });
  const oid = await c.write.newCommit({
    parents: parent ? [parent] : [],
    changes,
    message: "A backup.\n",
    at,
  });
  await c.write.push([{ name: `refs/heads/${branch}`, from: parent, to: oid }]);
  return oid;
}

const holder = (run: string, more: Partial<LeaseHolder> = {}): LeaseHolder => ({
  run,
  host: hostname(),
  pid: process.pid,
  group: run,
  since: at.toISOString(),
  ...more,
});

interface Place {
  name: string;
  /** A new, empty repository; `served` when its inside can be looked at. */
  make(): Promise<{ url: string; served?: ServedRepository; settings?: Record<string, unknown> }>;
  end(): Promise<void>;
}

function overHttp(name: string, options: GitServerOptions, settings: Record<string, unknown>): Place {
  let server: Promise<GitServer> | undefined;
  let made = 0;
  return {
    name,
    make: async () => {
      server ??= GitServer.start(options);
      const served = await (await server).repository(`r${++made}`);
      return { url: served.url, served, settings };
    },
    end: async () => (await server)?.close(),
  };
}

const byPath: Place = (() => {
  const place = overHttp("by path", {}, {});
  return {
    ...place,
    make: async () => {
      const { served } = await place.make();
      return { url: served!.path, served: served! };
    },
  };
})();

const places: Place[] = [
  byPath,
  overHttp(
    "over http, with basic authentication",
    { basic: { password: token } },
    { token: new Secret(token) },
  ),
  overHttp(
    "over http, without filters, with a bearer token",
    { bearer: token, filter: false },
    { token: new Secret(token), authentication: "bearer" },
  ),
];
const real = process.env.LAKEFERRY_CONTRACT_GIT_URL;

describe.each(places)("a repository $name", (place) => {
  let url: string;
  let served: ServedRepository;
  let c: Opened<"git">;
  let again: () => Promise<Opened<"git">>;
  beforeEach(async () => {
    const made = await place.make();
    url = made.url;
    served = made.served!;
    again = () => open(url, made.settings ? { settings: made.settings } : {});
    c = await again();
  });
  afterAll(() => place.end());

  test("is empty at first", async () => {
    expect(await c.read.refs()).toEqual([]);
    const checks: Check[] = await all(c.check());
    expect(checks.map((one) => one.result)).toEqual(["ok", "ok", "ok"]);
    expect(served.git("for-each-ref")).toBe("");
  });

  test("takes a first commit, and gives it back byte by byte", async () => {
    const oid = await seed(c, "main", { "a/b.py": "print(1)\n", "c.sql": "", "d.bin": "\r\nä\0" });
    expect(served.git("rev-parse", "main")).toBe(oid);
    expect(served.git("fsck", "--full", "--strict")).toBe("");
    const other = await again();
    const refs = await other.read.refs("refs/heads/");
    expect(refs).toEqual([{ name: "refs/heads/main", oid }]);
    expect(await files(other.read, oid)).toEqual({ "a/b.py": "print(1)\n", "c.sql": "", "d.bin": "\r\nä\0" });
    expect(await other.read.commit(oid)).toMatchObject({
      parents: [],
      author: "Ferry <ferry@example.com>",
      committedAt: at,
      message: "A backup.\n",
    });
  });

  test("keeps hostile names", async () => {
    const names = [
      "a b",
      'say "hi"',
      "100%",
      "a|b",
      "🚢/ü\u0308",
      "dots..",
      "back\\slash",
      "-rf",
      "new\nline",
      "tab\there",
      "$(x)",
      "*",
      ":(top)x",
      "raw\udcff\udc80byte",
      "…/ trailing ",
      "x".repeat(255),
    ];
    const oid = await seed(c, "main", Object.fromEntries(names.map((name, i) => [name, String(i)])));
    const found = await files((await again()).read, oid);
    expect(found).toEqual(Object.fromEntries(names.map((name, i) => [name, String(i)])));
  });

  test.each([
    ".git/x",
    "a/.GIT",
    "git~1/x",
    ".git /x",
    ".git::$INDEX_ALLOCATION",
    ".g\u200cit",
    "x\\.git",
    "../x",
    "/x",
    "a//b",
    "",
    "a\0b",
    "a long one".repeat(500),
  ])("refuses the path %.30j", async (path) => {
    const oid = await c.write.blob(Buffer.from("x"));
    const commit = c.write.newCommit({ parents: [], changes: [{ op: "put", path, oid }], message: "", at });
    await expect(commit).rejects.toMatchObject({ code: "invalid-input" });
    expect(await seed(c, "main", { fine: "x" })).toMatch(/^[0-9a-f]{40}$/);
  });

  test("moves, swaps and deletes files whose blobs are not here", async () => {
    const first = await seed(c, "main", { "x/a": "A", "x/b": "B", "y/c": "C", gone: "-", stays: "S" });
    const other = await again();
    await other.read.fetch([first]);
    const oid = await other.write.newCommit({
      parents: [first],
      changes: [
        { op: "move", from: "x/a", to: "x/b" },
        { op: "move", from: "x/b", to: "x/a" },
        { op: "move", from: "y/c", to: "z/deep/c d" },
        { op: "put", path: "y/c", oid: await other.write.blob(Buffer.from("new")) },
        { op: "delete", path: "gone" },
        { op: "delete", path: "never/was" },
      ],
      message: "Moves.",
      at,
    });
    await other.write.push([{ name: "refs/heads/main", from: first, to: oid }]);
    expect(await files((await again()).read, oid)).toEqual({
      "x/a": "B",
      "x/b": "A",
      "y/c": "new",
      "z/deep/c d": "C",
      stays: "S",
    });
    const nothing = other.write.newCommit({
      parents: [oid],
      changes: [{ op: "move", from: "nowhere", to: "n" }],
      message: "",
      at,
    });
    await expect(nothing).rejects.toMatchObject({ code: "not-found" });
    served.git("fsck", "--full", "--strict");
  });

  test("replaces a file by a folder and a folder by a file", async () => {
    const first = await seed(c, "main", { a: "file", "b/c": "1", "b/d": "2" });
    const oid = await c.write.newCommit({
      parents: [first],
      changes: [
        { op: "delete", path: "a" },
        { op: "put", path: "a/b", oid: await c.write.blob(Buffer.from("in")) },
        { op: "put", path: "b", oid: await c.write.blob(Buffer.from("now a file")) },
      ],
      message: "",
      at,
    });
    await c.write.push([{ name: "refs/heads/main", from: first, to: oid }]);
    expect(await files((await again()).read, oid)).toEqual({ "a/b": "in", b: "now a file" });
    const changes = await all(c.read.diff(first, oid));
    expect(changes.map(({ path, oid: blob }) => [path, blob !== undefined])).toEqual([
      ["a", false],
      ["a/b", true],
      ["b", true],
      ["b/c", false],
      ["b/d", false],
    ]);
  });

  test("refuses to commit a blob that is nowhere, and goes on", async () => {
    const oid = "1".repeat(40);
    const commit = c.write.newCommit({
      parents: [],
      changes: [{ op: "put", path: "a", oid }],
      message: "",
      at,
    });
    await expect(commit).rejects.toMatchObject({ code: "not-found" });
    await seed(c, "main", { a: "1" });
    await expect(all(c.read.blobs([oid]))).rejects.toMatchObject({ code: "not-found" });
    await expect(c.read.fetch([oid])).rejects.toMatchObject({ code: "not-found" });
  });

  test("merges, tags, and moves branch and tag in one push", async () => {
    const one = await seed(c, "main", { a: "1" });
    const work = await seed(c, "work", { b: "2" });
    const merge = await c.write.newCommit({
      parents: [one, work],
      changes: [],
      message: "Merge.",
      author: "Ann <ann@example.com>",
      at,
    });
    const tag = await c.write.newTag({ name: "backup/1", target: merge, message: "Counts: 1", at });
    const updates = [
      { name: "refs/heads/main", from: one, to: merge },
      { name: "refs/tags/backup/1", from: undefined, to: tag },
      { name: "refs/heads/work", from: work, to: undefined },
    ];
    await c.write.push(updates);
    await c.write.push(updates);
    const other = await again();
    const refs = await other.read.refs();
    expect(refs).toEqual([
      { name: "refs/heads/main", oid: merge },
      { name: "refs/tags/backup/1", oid: tag, peeled: merge },
    ]);
    expect(await other.read.tag(refs[1]!)).toEqual({
      name: "backup/1",
      target: merge,
      taggedAt: at,
      message: "Counts: 1\n",
    });
    await other.read.fetch([merge], { trees: false });
    expect(await other.read.commit(merge)).toMatchObject({
      parents: [one, work],
      author: "Ann <ann@example.com>",
    });
    expect(await files(other.read, merge)).toEqual({ a: "1" });
    served.git("fsck", "--full", "--strict");
  });

  test("moves nothing when one ref is not where it should be", async () => {
    const one = await seed(c, "main", { a: "1" });
    const two = await seed(c, "main", { a: "2" }, one);
    const late = await c.write.newCommit({ parents: [one], changes: [], message: "Late.", at });
    const push = c.write.push([
      { name: "refs/heads/new", from: undefined, to: late },
      { name: "refs/heads/main", from: one, to: late },
    ]);
    await expect(push).rejects.toMatchObject({ code: "conflict" });
    expect(await c.read.refs()).toEqual([{ name: "refs/heads/main", oid: two }]);
    const backwards = c.write.push([{ name: "refs/heads/main", from: two, to: late }]);
    await expect(backwards).rejects.toMatchObject({ code: "conflict" });
    await expect(seed(c, "main", { b: "1" })).rejects.toMatchObject({ code: "conflict" });
  });

  test("says that a hook refused, and moves nothing", async () => {
    const one = await seed(c, "main", { a: "1" });
    await served.hook("update", '[ "$1" != refs/heads/main ]');
    const two = await c.write.newCommit({ parents: [one], changes: [], message: "Two.", at });
    const push = c.write.push([
      { name: "refs/heads/other", from: undefined, to: two },
      { name: "refs/heads/main", from: one, to: two },
    ]);
    await expect(push).rejects.toMatchObject({ code: "forbidden" });
    expect((await c.read.refs()).map((ref) => ref.oid)).toEqual([one]);
  });

  test("works with a server that cannot move refs as one", async () => {
    served.git("config", "receive.advertiseAtomic", "false");
    const one = await seed(c, "work", { a: "1" });
    const tag = await c.write.newTag({ name: "t", target: one, message: "m", at });
    const updates = [
      { name: "refs/heads/work", from: one, to: undefined },
      { name: "refs/tags/t", from: undefined, to: tag },
      { name: "refs/heads/main", from: undefined, to: one },
    ];
    await c.write.push(updates);
    await c.write.push(updates);
    expect((await c.read.refs()).map((ref) => ref.name)).toEqual(["refs/heads/main", "refs/tags/t"]);
  });

  test("a fresh view shares nothing with the connection", async () => {
    const oid = await seed(c, "main", { a: "1" });
    const view = await c.read.fresh();
    await expect(view.commit(oid)).rejects.toMatchObject({ code: "not-found" });
    expect(await files(view, oid)).toEqual({ a: "1" });
    for (const name of ["blob", "newCommit", "newTag", "push", "leases"]) {
      expect(name in view).toBe(false);
      expect(name in c.read).toBe(false);
    }
  });

  test("of two who ask for a lease at once, one gets it", async () => {
    const two = await again();
    const options = { ttlMs: 60_000, takeOver: false };
    const asked = await Promise.allSettled([
      c.write.leases.acquire("main", holder("r1"), options),
      two.write.leases.acquire("main", holder("r2"), options),
    ]);
    const [lease] = asked.filter((one) => one.status === "fulfilled");
    const [error] = asked.filter((one) => one.status === "rejected");
    expect(error!.reason).toMatchObject({
      code: "lease-held",
      message: expect.stringMatching(/run r[12] on .* until /),
    });
    await lease!.value.renew();
    expect(await lease!.value.release()).toBe(true);
    expect(await lease!.value.release()).toBe(true);
    expect(await c.read.refs()).toEqual([]);
    const next = await two.write.leases.acquire("main", holder("r2"), options);
    expect(await next.release()).toBe(true);
  });

  test("a lease passes on when its holder is dead, late, or pushed aside", async () => {
    let now = Date.now();
    const late = await open(url, {
      now: () => now,
      ...(served && { settings: (await settingsOf(place)) ?? {} }),
    });
    const options = { ttlMs: 60_000, takeOver: false };
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => gone.on("close", resolve));
    await c.write.leases.acquire("k/ä", holder("dead", { pid: gone.pid! }), options);
    const first = await late.write.leases.acquire("k/ä", holder("first"), options);
    const second = () => late.write.leases.acquire("k/ä", holder("second"), options);
    await expect(second()).rejects.toMatchObject({ code: "lease-held" });
    now += 60_000 + 14_000;
    await expect(second()).rejects.toMatchObject({ code: "lease-held" });
    now += 2000;
    const lease = await second();
    await expect(first.renew()).rejects.toMatchObject({ code: "lease-held" });
    const third = await late.write.leases.acquire("k/ä", holder("third"), { ...options, takeOver: true });
    await expect(lease.renew()).rejects.toMatchObject({ code: "lease-held" });
    expect(await lease.release()).toBe(false);
    expect(await third.release()).toBe(true);
  });

  test("shards of one run share a lease; the last one out gives it back", async () => {
    const two = await again();
    const options = { ttlMs: 60_000, takeOver: false };
    const [a, b] = await Promise.all([
      c.write.leases.acquire("main", holder("s1", { group: "g", shard: "1/2" }), options),
      two.write.leases.acquire("main", holder("s2", { group: "g", shard: "2/2" }), options),
    ]);
    await expect(c.write.leases.acquire("main", holder("other"), options)).rejects.toMatchObject({
      code: "lease-held",
    });
    await Promise.all([a.renew(), b.renew()]);
    const last = await Promise.all([a.release(), b.release()]);
    expect(last.filter(Boolean)).toHaveLength(1);
    expect(await c.read.refs()).toEqual([]);
  });

  test("keeps leases below refs/heads where nothing else is allowed", async () => {
    await served.hook("update", 'case "$1" in refs/heads/*) ;; *) exit 1;; esac');
    served.git("config", "receive.denyNonFastForwards", "true");
    const options = { ttlMs: 60_000, takeOver: false };
    const lease = await c.write.leases.acquire("main", holder("r1"), options);
    expect((await c.read.refs()).map((ref) => ref.name)).toEqual(["refs/heads/lakeferry-lease/main"]);
    await expect((await again()).write.leases.acquire("main", holder("r2"), options)).rejects.toMatchObject({
      code: "lease-held",
    });
    await lease.renew();
    expect(await lease.release()).toBe(true);
  });

  test("git fast-import dying is told by name, and what was pushed stays", async () => {
    const one = await seed(c, "main", { a: "1" });
    await c.write.blob(Buffer.from("more"));
    for (const { pid } of await gitChildren("fast-import")) process.kill(pid, "SIGKILL");
    const after = async () => {
      await c.write.newCommit({ parents: [one], changes: [], message: "", at });
    };
    if (linux) {
      await expect(after()).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("fast-import was ended by SIGKILL"),
      });
      await expect(c.write.blob(Buffer.from("z"))).rejects.toMatchObject({ code: "unavailable" });
    }
    expect(await c.read.refs()).toHaveLength(1);
  });
});

/** Settings the place hands out, without making use of its repository. */
async function settingsOf(place: Place): Promise<Record<string, unknown> | undefined> {
  return (await place.make()).settings;
}

/** Children of this process, with their command lines. */
async function gitChildren(word: string): Promise<{ pid: number; args: string }[]> {
  const found: { pid: number; args: string }[] = [];
  for (const name of linux ? await readdir("/proc") : []) {
    if (!/^\d+$/.test(name)) continue;
    const args = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    const ours = folders.some((one) => environment.includes(`GIT_DIR=${one}`));
    if (ours && args.includes(word)) found.push({ pid: Number(name), args: args.replaceAll("\0", " ") });
  }
  return found;
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
    const { execFileSync } = await import("node:child_process");
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
    await seed(c, "main", { a: "1" });
    await c.write.leases.acquire("main", holder("r"), { ttlMs: 1000, takeOver: false });
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
    expect((await gitChildren("git")).filter((one) => one.args.includes(repository.url))).toEqual([]);
  });

  test("a user's settings do not get in the way", async () => {
    const home = await folder("home");
    const { writeFile } = await import("node:fs/promises");
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

describe.runIf(real)("the real service", () => {
  test("takes a commit on a branch of its own, and a lease", async () => {
    const secret = process.env.LAKEFERRY_GIT_TOKEN;
    const c = await open(real!, { settings: secret ? { token: new Secret(secret) } : {} });
    const branch = `lakeferry-contract-${Date.now()}`;
    const lease = await c.write.leases.acquire(branch, holder(branch), { ttlMs: 60_000, takeOver: false });
    const oid = await seed(c, branch, { "a/b": "1", "c d": "2" });
    const view = await c.read.fresh();
    expect(await files(view, oid)).toEqual({ "a/b": "1", "c d": "2" });
    const tag = await c.write.newTag({ name: branch, target: oid, message: "A check.", at });
    await c.write.push([{ name: `refs/tags/${branch}`, from: undefined, to: tag }]);
    await c.write.push([
      { name: `refs/tags/${branch}`, from: tag, to: undefined },
      { name: `refs/heads/${branch}`, from: oid, to: undefined },
    ]);
    expect(await lease.release()).toBe(true);
  });
});
