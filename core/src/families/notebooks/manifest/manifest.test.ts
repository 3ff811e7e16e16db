import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LakeferryError } from "../../../job/errors.ts";
import { type Seeded, seeded } from "../seeded.test-support.ts";
import { Manifest } from "./manifest.ts";
import {
  bucketFile,
  bucketOf,
  decodeBucket,
  encodeBucket,
  folderOf,
  type ManifestEntry,
} from "./manifest-bucket.ts";

const hex = (text: string, length: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, length);

function entry(path: string, more: Partial<ManifestEntry> = {}): ManifestEntry {
  return {
    path,
    file: `${path}.py`,
    id: String(BigInt(`0x${hex(path, 15)}`)),
    type: "NOTEBOOK",
    language: "PYTHON",
    modified: 1_700_000_000_000,
    size: path.length,
    blob: hex(path, 40),
    sha256: hex(path, 64),
    format: "SOURCE",
    ...more,
  };
}

const parts = ["a", "b", "é", "🦆", "\uffff", " ", '"', "\\", "x\n", "\u2028"];
const path = (chance: Seeded): string =>
  Array.from({ length: 1 + chance.below(3) }, () => chance.pick(parts) + chance.text(parts, 2)).join("/");

/** `file` must be one that the repository can have; the path may be anything. */
const anyEntry = (chance: Seeded): ManifestEntry => {
  const at = path(chance);
  const { language: _, ...plain } = entry(at, {
    file: `f/${hex(at, 20)}.py`,
    modified: chance.below(2 ** 30),
  });
  const kinds = [{ language: "SQL" }, { type: "FILE" }, { deleted: "2026-11-20T10:00:00Z" }];
  return { ...plain, ...chance.pick(kinds) };
};

describe("a bucket", () => {
  test("owns whole folders by the first byte of their SHA-256", () => {
    expect(bucketOf("")).toBe(0xe3);
    expect(bucketFile(bucketOf(""))).toBe(".lakeferry/manifest/e3.jsonl");
    expect(bucketFile(10)).toBe(".lakeferry/manifest/0a.jsonl");
    expect([folderOf("etl"), folderOf("a/b/etl")]).toEqual(["", "a/b"]);
  });

  test("has one line per entry, keys in order, sorted by bytes", () => {
    const text = encodeBucket([
      entry("\uffff"),
      entry("🦆"),
      entry("a", { deleted: "2026-11-20" }),
    ]).toString();
    expect(text.split("\n").map((line) => line.slice(0, 12))).toEqual([
      '{"path":"a",',
      '{"path":"\uffff",',
      '{"path":"🦆"',
      "",
    ]);
    expect(text.split("\n")[0]).toBe(
      `{"path":"a","file":"a.py","id":"${entry("a").id}","type":"NOTEBOOK","language":"PYTHON","modified":1700000000000,` +
        `"size":1,"blob":"${hex("a", 40)}","sha256":"${hex("a", 64)}","format":"SOURCE","deleted":"2026-11-20"}`,
    );
    expect(encodeBucket([]).length).toBe(0);
  });

  test("comes back as it was, from any order", () => {
    const chance = seeded(8);
    for (let round = 0; round < 200; round++) {
      const entries = [
        ...new Map(
          Array.from({ length: chance.below(20) }, () => anyEntry(chance)).map((e) => [e.path, e]),
        ).values(),
      ];
      const bytes = encodeBucket(entries);
      const decoded = decodeBucket(bytes, "x.jsonl");
      expect(new Map(decoded.map((e) => [e.path, e]))).toEqual(new Map(entries.map((e) => [e.path, e])));
      expect(encodeBucket(chance.shuffle(decoded)).equals(bytes)).toBe(true);
    }
  });

  const line = encodeBucket([entry("a")]).toString();
  const changed = (more: object): string =>
    encodeBucket([{ ...entry("a"), ...more } as ManifestEntry]).toString();
  test.each([
    ["a cut line", line.slice(0, -1), 1, /cut off/],
    ["no JSON", `${line}{"path"\n`, 2, /not JSON/],
    ["no object", "null\n", 1, /not an object/],
    ["an empty line", `${line}\n`, 2, /not JSON/],
    ["a short blob", changed({ blob: "abc" }), 1, /40 hex/],
    ["a short SHA-256", changed({ sha256: hex("a", 63) }), 1, /64 hex/],
    ["a path out of the repository", changed({ file: "x/../../a" }), 1, /inside the repository/],
    ["an absolute path", changed({ file: "/a" }), 1, /inside the repository/],
    ["a path into git's own folder", changed({ file: ".GIT/config" }), 1, /inside the repository/],
    ["a path into the manifest", changed({ file: ".lakeferry/backup.json" }), 1, /inside the repository/],
    ["an absolute workspace path", changed({ path: "/a" }), 1, /relative/],
    ["a size that is none", changed({ size: -1 }), 1, /whole number/],
    ["a missing id", changed({ id: undefined }), 1, /`id`/],
    ["a date that is none", changed({ deleted: "2026-13-40" }), 1, /ISO date/],
    ["a path twice", line + line, 2, /there twice/],
    ["a file twice", line + encodeBucket([entry("b", { file: "a.py" })]), 2, /two objects/],
    ["lines out of order", encodeBucket([entry("b")]) + line, 2, /out of order/],
    ["another key", line.replace('{"path"', '{"x":1,"path"'), 1, /form/],
    ["another form", line.replace(":", ": "), 1, /form/],
  ])("refuses %s", (_, text, number, reason) => {
    const decode = () => decodeBucket(Buffer.from(text), "m.jsonl");
    expect(decode).toThrow(LakeferryError);
    expect(decode).toThrow(expect.objectContaining({ code: "corrupt" }));
    expect(decode).toThrow(`m.jsonl, line ${number}:`);
    expect(decode).toThrow(reason);
  });

  test("refuses entries of another bucket, and takes a file twice when one of them is deleted", () => {
    expect(() => decodeBucket(Buffer.from(line), bucketFile(0))).toThrow(/another bucket/);
    expect(decodeBucket(Buffer.from(line), bucketFile(0xe3))).toHaveLength(1);
    const two = encodeBucket([
      entry("a", { deleted: "2026-11-20" }),
      entry("a.py", { type: "FILE", file: "a.py" }),
    ]);
    expect(decodeBucket(two, bucketFile(0xe3))).toHaveLength(2);
    expect(() => decodeBucket(Buffer.from([0xff, 0x0a]), "m")).toThrow(/UTF-8/);
  });
});

describe("Manifest", () => {
  test("does what a plain map does", () => {
    const chance = seeded(9);
    const manifest = new Manifest();
    const plain = new Map<string, ManifestEntry>();
    for (let round = 0; round < 5000; round++) {
      const one = anyEntry(chance);
      if (chance.below(3) === 0) expect(manifest.delete(one.path)).toBe(plain.delete(one.path));
      else {
        manifest.set(one);
        plain.set(one.path, one);
      }
      expect(manifest.size).toBe(plain.size);
      expect(manifest.get(one.path)).toEqual(plain.get(one.path));
      const living = plain.get(one.path);
      expect(manifest.byId(one.id)).toEqual(living?.deleted ? undefined : living);
    }
    expect(new Map([...manifest.entries()].map((e) => [e.path, e]))).toEqual(plain);
    expect(new Set(manifest.folders())).toEqual(new Set([...plain.keys()].map(folderOf)));

    const copy = new Manifest();
    for (const bucket of manifest.dirty()) copy.load(manifest.encode(bucket), bucketFile(bucket));
    expect(copy.dirty()).toEqual([]);
    expect(new Map([...copy.entries()].map((e) => [e.path, e]))).toEqual(plain);
    for (const folder of copy.folders()) {
      expect([...copy.inFolder(folder)].every((e) => folderOf(e.path) === folder)).toBe(true);
      expect(copy.encode(bucketOf(folder)).equals(manifest.encode(bucketOf(folder)))).toBe(true);
    }
  });

  test("knows which buckets changed", () => {
    const manifest = new Manifest();
    manifest.load(encodeBucket([entry("a"), entry("b")]), bucketFile(0xe3));
    manifest.set(entry("a"));
    expect(manifest.dirty()).toEqual([]);
    manifest.set(entry("a", { size: 7 }));
    manifest.set(entry("f/x"));
    expect(manifest.dirty()).toEqual([bucketOf("f"), 0xe3].sort((a, b) => a - b));
    manifest.settle();
    expect([manifest.delete("f/x"), manifest.delete("f/x")]).toEqual([true, false]);
    expect(manifest.dirty()).toEqual([bucketOf("f")]);
    expect(manifest.encode(bucketOf("f")).length).toBe(0);
  });

  test("encodes a folder of any size", () => {
    const manifest = new Manifest();
    const one = entry("f/x");
    const entries = 200_000;
    for (let n = 0; n < entries; n++)
      manifest.set({ ...one, path: `f/${n}`, file: `f/${n}.py`, id: String(n) });
    const lines = manifest.encode(bucketOf("f")).reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
    expect(lines).toBe(entries);
  });

  test("follows an id through a rename, whichever half comes first", () => {
    const manifest = new Manifest();
    const id = "7";
    manifest.set(entry("old", { id }));
    manifest.set(entry("new", { id }));
    manifest.set(entry("old", { id, deleted: "2026-11-20" }));
    expect(manifest.byId(id)?.path).toBe("new");
    manifest.delete("old");
    expect(manifest.byId(id)?.path).toBe("new");
    manifest.set(entry("new", { id: "8" }));
    expect(manifest.byId(id)).toBeUndefined();
  });
});
