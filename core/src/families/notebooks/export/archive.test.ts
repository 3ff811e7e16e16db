import { existsSync, readFileSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { LakeferryError } from "../../../job/errors.ts";
import { seeded } from "../seeded.test-support.ts";
import { type ArchiveEntry, archiveKind, readArchive } from "./archive.ts";
import { writeArchive } from "./write-archive.ts";

interface Part {
  name: Buffer;
  bytes: Buffer;
  flags?: number;
  stored?: boolean;
  extra?: Buffer;
  packed?: Buffer;
}

/** A zip as other writers make it; shares nothing with `writeArchive`. */
function zip(parts: readonly Part[], comment = ""): Buffer {
  const out: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, flags = 0, stored = false, extra = Buffer.alloc(0), packed: given } of parts) {
    const packed = given ?? (stored ? bytes : deflateRawSync(bytes));
    const described = (flags & 8) !== 0;
    const sums = [crc32(bytes), packed.length, bytes.length];
    const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
    const u16 = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);
    const method = stored ? 0 : 8;
    const local = [
      u32(0x04034b50),
      u16(20, flags, method, 0, 0x21),
      u32(...(described ? [0, 0, 0] : sums)),
      u16(name.length, 0),
      name,
      packed,
      described ? u32(0x08074b50, ...sums) : Buffer.alloc(0),
    ];
    directory.push(
      u32(0x02014b50),
      u16(20, 20, flags, method, 0, 0x21),
      u32(...sums),
      u16(name.length, extra.length, 0, 0, 0),
      u32(0, at),
      name,
      extra,
    );
    out.push(...local);
    at += Buffer.concat(local).length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...out, central, end, Buffer.from(comment)]);
}

const part = (name: string, text: string, more: Partial<Part> = {}): Part => ({
  name: Buffer.from(name),
  bytes: Buffer.from(text),
  ...more,
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof LakeferryError) return error.code;
    throw error;
  }
  return "none";
}

/** Reads an archive and all its contents. */
function readAll(bytes: Buffer, maxInflated?: number): Pick<ArchiveEntry, "name" | "bytes">[] {
  return readArchive(bytes, maxInflated).map((entry) => ({ name: entry.name, bytes: entry.bytes }));
}

describe("readArchive", () => {
  test("reads stored and deflated entries, descriptors, a comment, repeated and empty ones; skips directories", () => {
    const bytes = zip(
      [
        part("a/", "", { stored: true }),
        part("a/one.py", "x = 1\n"),
        part("a/two.py", "stored", { stored: true }),
        part("a/three.py", "described", { flags: 8 }),
        part("a/one.py", "again"),
        part("a/empty.py", ""),
        part("a/empty stored.py", "", { stored: true }),
      ],
      "a comment with PK\u0005\u0006 in it, and some more text behind it",
    );
    expect(readAll(bytes).map(({ name, bytes }) => [name, bytes.toString()])).toEqual([
      ["a/one.py", "x = 1\n"],
      ["a/two.py", "stored"],
      ["a/three.py", "described"],
      ["a/one.py", "again"],
      ["a/empty.py", ""],
      ["a/empty stored.py", ""],
    ]);
    expect(readAll(zip([]))).toEqual([]);
  });

  test("reads names in UTF-8 with and without the flag, in code page 437 and from a Unicode Path", () => {
    const plain = Buffer.from([0x81, 0x62, 0x65, 0x72]); // "über" in code page 437
    const path = Buffer.alloc(9);
    path.writeUInt16LE(0x7075);
    path.writeUInt16LE(5 + Buffer.byteLength("日本"), 2);
    path[4] = 1;
    path.writeUInt32LE(crc32(plain), 5);
    const bytes = zip([
      part("Q4 — final", "", { flags: 1 << 11 }),
      part("Q4 — final", ""),
      { name: plain, bytes: Buffer.alloc(0) },
      { name: plain, bytes: Buffer.alloc(0), extra: Buffer.concat([path, Buffer.from("日本")]) },
    ]);
    expect(readAll(bytes).map(({ name }) => name)).toEqual(["Q4 — final", "Q4 — final", "über", "日本"]);
    const wrong = zip([{ name: plain, bytes: Buffer.alloc(0), flags: 1 << 11 }]);
    expect(codeOf(() => readAll(wrong))).toBe("corrupt");
  });

  test("refuses what it cannot read, by name", () => {
    const good = zip([part("a", "text")]);
    const changed = (at: number, value: number): Buffer => {
      const copy = Buffer.from(good);
      copy.writeUInt16LE(value, at < 0 ? copy.length + at : at);
      return copy;
    };
    expect(() => readAll(changed(-12, 0xffff))).toThrow(/zip64/);
    expect(() => readAll(zip([part("a", "text", { flags: 1 })]))).toThrow(/encrypted/);
    expect(codeOf(() => readAll(zip([part("a", "text", { flags: 1 })])))).toBe("not-supported");
    expect(() => readAll(changed(-18, 1))).toThrow(/disks/);
    expect(codeOf(() => readAll(Buffer.from("<html>not a zip</html>".repeat(9))))).toBe("corrupt");
    expect(codeOf(() => readAll(Buffer.alloc(0)))).toBe("corrupt");
  });

  test("stops bombs before inflating them", () => {
    const zeros = zip([part("zeros", "\0".repeat(5_000_000))]);
    expect(codeOf(() => readAll(zeros, 4_999_999))).toBe("too-large");
    expect(readAll(zeros)[0]!.bytes.length).toBe(5_000_000);
    const lying = zip([part("zeros", "\0".repeat(10), { packed: deflateRawSync(Buffer.alloc(5_000_000)) })]);
    expect(codeOf(() => readAll(lying))).toBe("corrupt");
  });

  test("refuses entries that share bytes and data behind the end of a stream", () => {
    const twice = zip([part("a", "text"), part("b", "text")]);
    const directory = twice.readUInt32LE(twice.length - 6);
    twice.writeUInt32LE(0, directory + 47 + 42); // the second entry points at the first
    expect(codeOf(() => readAll(twice))).toBe("corrupt");
    const padded = Buffer.concat([deflateRawSync(Buffer.from("text")), Buffer.from("more")]);
    expect(codeOf(() => readAll(zip([part("a", "text", { packed: padded })])))).toBe("corrupt");
  });

  test("notices every cut and every changed byte that matters", () => {
    const chance = seeded(1);
    const good = writeArchive(
      ["one", "two", "three"].map((name) => ({
        name: `${name}.py`,
        bytes: Buffer.from(chance.text([`${name} = 1\n`, "print()\n", "# é\n"], 40)),
      })),
    );
    const expected = readAll(good);
    for (let length = 0; length < good.length; length++) {
      expect(codeOf(() => readAll(good.subarray(0, length)))).not.toBe("none");
    }
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << chance.below(8);
      let entries: ReturnType<typeof readAll> | undefined;
      try {
        entries = readAll(bad);
      } catch (error) {
        expect(error).toBeInstanceOf(LakeferryError);
      }
      // Only a field that says nothing about the content (a date, an attribute) may change unnoticed.
      if (entries) expect(entries).toEqual(expected);
    }
  });

  test("reads back what writeArchive writes", () => {
    const chance = seeded(2);
    for (let round = 0; round < 50; round++) {
      const entries = Array.from({ length: chance.below(8) }, (_, index) => ({
        name: `${index}${chance.text(["ä", "/", "日", "🦆", " ", "%"], 5)}x`,
        bytes: Buffer.from(chance.text(["a", "\n", "é", "\0"], 200)),
      }));
      expect(readAll(writeArchive(entries))).toEqual(entries);
    }
  });
});

describe("archiveKind", () => {
  const entry = (name: string, text: string) => ({ name, bytes: Buffer.from(text) });
  const kind = (...entries: ReturnType<typeof entry>[]) => archiveKind(readArchive(writeArchive(entries)));
  const json = '{"version": "NotebookV1", "commands": []}';
  test("looks at the content, not at the extension", () => {
    expect(kind(entry("f/a.sql", json), entry("f/b.python", json))).toBe("dbc");
    expect(kind(entry("f/a.sql", "-- Databricks notebook source\nSELECT 1\n"))).toBe("source");
    expect(kind(entry("f/a.r", "x <- 1"), entry("f/b.scala", json))).toBe("dbc");
    expect(kind(entry("f/a.r", "# Databricks notebook source\n"), entry("f/b.sql", json))).toBe("source");
    expect(kind(entry("f/data.sql", '{"x": "NotebookV1"}'), entry("f/b.sql", '"NotebookV1"{'))).toBe(
      "source",
    );
    expect(kind()).toBe("source");
    expect(
      kind(
        entry("f/a.r", `x <- "${"é".repeat(2000)}"`),
        entry("f/long.py", `# Databricks notebook source\n${json.repeat(500)}`),
        entry("f/b.sql", json),
      ),
    ).toBe("source");
  });

  const archive = new URL("../../../../../../shared/data/notebooks/exports/ENG-101.dbc", import.meta.url);
  test.skipIf(!existsSync(archive))(
    "knows the DBC archive of ENG-101 (skipped without ../shared/data)",
    () => {
      expect(archiveKind(readArchive(readFileSync(archive)))).toBe("dbc");
    },
  );
});
