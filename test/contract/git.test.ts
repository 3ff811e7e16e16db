import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Check, Opened } from "../../core/src/job/connections.ts";
import { all, at, cleanUp, files, gitChildren, linux, open, places, seed } from "./git-places.ts";
import type { ServedRepository } from "./git-server.ts";

afterAll(cleanUp);

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
