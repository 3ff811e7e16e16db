import { constants, crc32, inflateRawSync } from "node:zlib";
import { LakeferryError } from "../../../job/errors.ts";
import { isNotebookJson, sourceLanguage } from "./dbc.ts";
import { entryName } from "./entry-name.ts";

/**
 * The reader of folder exports. It is our own because the bytes go into a backup: every entry's size and CRC-32
 * are checked, which fflate does not do, and node's inflate is native and faster than one in JavaScript.
 * Layout after https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export interface ArchiveEntry {
  /** As it stands in the archive, `/`-separated: data, never a path to write to. Names can repeat. */
  readonly name: string;
  /** Inflated and checked when it is asked for: most entries of a folder export did not change. @throws LakeferryError `corrupt` */
  readonly bytes: Buffer;
  /** Some of its first bytes, not checked: enough to tell what it may be without inflating the whole. */
  readonly start: Buffer;
}

/** Far above any export (10 MB deflated), far below what hurts. */
const MAX_INFLATED = 1024 ** 3;
/** Deflate cannot do better: 258 bytes in two bits. */
const MAX_RATIO = 1032;

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const ZIP64_LOCATOR = 0x07064b50;

const ENCRYPTED = 1 << 0;
const DESCRIPTOR = 1 << 3;

interface Central {
  readonly name: string;
  readonly rawName: Buffer;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The files of a zip archive in the order of its central directory; directories are left out. Stored entries are
 * views of `bytes`.
 * @throws LakeferryError `corrupt` when anything of the directory does not fit: truncated, overlapping;
 *   `too-large` when more than `maxInflated` bytes would come out; `not-supported` for zip64, encryption,
 *   several disks and methods other than stored and deflate
 */
export function readArchive(bytes: Buffer, maxInflated = MAX_INFLATED): ArchiveEntry[] {
  const end = endOfDirectory(bytes);
  const central = readDirectory(bytes, end);
  let total = 0;
  for (const entry of central) total += entry.size;
  if (total > maxInflated) {
    throw new LakeferryError(`The archive holds ${total} bytes, more than the limit of ${maxInflated}.`, {
      code: "too-large",
    });
  }
  const data = locate(bytes, central, end.directory);
  const entries = central.map(
    (entry, index): ArchiveEntry => ({
      name: entry.name,
      get bytes() {
        return inflated(entry, data[index]!);
      },
      get start() {
        return startOf(entry, data[index]!);
      },
    }),
  );
  return entries.filter(({ name }) => !name.endsWith("/"));
}

/**
 * What a folder export is, told by its content: extensions do not decide, `.sql`, `.scala` and `.r` are those of
 * both kinds. One notebook in source form makes it "source": there, JSON that looks like a notebook is a file.
 */
export function archiveKind(entries: readonly ArchiveEntry[]): "dbc" | "source" {
  const candidates = entries.filter(({ name }) => /\.(?:python|sql|scala|r)$/i.test(name));
  const isSource = (entry: ArchiveEntry): boolean => {
    const [firstLine] = entry.start.toString("latin1", 0, 64).split("\n");
    return sourceLanguage(firstLine!) !== undefined;
  };
  if (entries.some((entry) => /\.(?:py|sql|scala|r)$/i.test(entry.name) && isSource(entry))) return "source";
  return candidates.some(({ bytes }) => isNotebookJson(bytes)) ? "dbc" : "source";
}

interface Directory {
  readonly directory: number;
  readonly size: number;
  readonly count: number;
}

function endOfDirectory(bytes: Buffer): Directory {
  const lowest = Math.max(0, bytes.length - 22 - 0xffff);
  for (let at = bytes.length - 22; at >= lowest; at--) {
    if (bytes.readUInt32LE(at) !== END || at + 22 + bytes.readUInt16LE(at + 20) !== bytes.length) continue;
    const count = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 12);
    const directory = bytes.readUInt32LE(at + 16);
    const located = at >= 20 && bytes.readUInt32LE(at - 20) === ZIP64_LOCATOR;
    if (located || count === 0xffff || size === 0xffffffff || directory === 0xffffffff) {
      throw unsupported("The archive is a zip64 archive.");
    }
    if (bytes.readUInt32LE(at + 4) !== 0 || bytes.readUInt16LE(at + 8) !== count) {
      throw unsupported("The archive spans several disks.");
    }
    if (directory + size !== at) throw corrupt("its central directory is not where its end record says");
    return { directory, size, count };
  }
  throw corrupt("it has no end record: not a zip archive, or cut off");
}

function readDirectory(bytes: Buffer, { directory, size, count }: Directory): Central[] {
  const entries: Central[] = [];
  const end = directory + size;
  let at = directory;
  while (at < end) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== CENTRAL) throw corrupt("its central directory is broken");
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > end) throw corrupt("its central directory is cut off");
    const rawName = bytes.subarray(at + 46, nameEnd);
    const flags = bytes.readUInt16LE(at + 8);
    const entry: Central = {
      name: entryName(rawName, flags, bytes.subarray(nameEnd, extraEnd)),
      rawName,
      flags,
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    };
    check(entry);
    entries.push(entry);
    at = next;
  }
  if (entries.length !== count) throw corrupt(`it announces ${count} entries and lists ${entries.length}`);
  return entries;
}

function check({ name, flags, method, packed, size, offset }: Central): void {
  if (name === "") throw corrupt("an entry has no name");
  if ([packed, size, offset].includes(0xffffffff)) throw unsupported(`Entry "${name}" is a zip64 entry.`);
  if (flags & ENCRYPTED) throw unsupported(`Entry "${name}" is encrypted.`);
  if (method !== 0 && method !== 8) throw unsupported(`Entry "${name}" has compression method ${method}.`);
  if (method === 0 ? packed !== size : size > packed * MAX_RATIO) {
    throw corrupt(`entry "${name}" cannot hold ${size} bytes in ${packed}`);
  }
}

/** The packed data of each entry, found through its local header; no two may share a byte. */
function locate(bytes: Buffer, central: readonly Central[], end: number): Buffer[] {
  const spans: { start: number; end: number; name: string }[] = [];
  const data = central.map((entry) => {
    const { name, rawName, offset, flags } = entry;
    if (offset + 30 > end || bytes.readUInt32LE(offset) !== LOCAL) {
      throw corrupt(`entry "${name}" has no local header`);
    }
    const nameEnd = offset + 30 + bytes.readUInt16LE(offset + 26);
    const start = nameEnd + bytes.readUInt16LE(offset + 28);
    const stop = start + entry.packed;
    if (stop > end) throw corrupt(`entry "${name}" is cut off`);
    const agrees =
      rawName.equals(bytes.subarray(offset + 30, nameEnd)) &&
      bytes.readUInt16LE(offset + 8) === entry.method &&
      (flags & DESCRIPTOR ||
        (bytes.readUInt32LE(offset + 14) === entry.crc &&
          bytes.readUInt32LE(offset + 18) === entry.packed &&
          bytes.readUInt32LE(offset + 22) === entry.size));
    if (!agrees) throw corrupt(`entry "${name}" has a local header that contradicts the central directory`);
    spans.push({ start: offset, end: flags & DESCRIPTOR ? stop + 12 : stop, name });
    return bytes.subarray(start, stop);
  });
  spans.sort((a, b) => a.start - b.start);
  spans.forEach(({ end: stop, name }, index) => {
    if (stop > (spans[index + 1]?.start ?? end)) throw corrupt(`entry "${name}" overlaps what follows it`);
  });
  return data;
}

function inflated(entry: Central, packed: Buffer): Buffer {
  const content = entry.method === 0 ? packed : inflate(entry, packed);
  if (content.length !== entry.size) {
    throw corrupt(`entry "${entry.name}" has ${content.length} bytes instead of ${entry.size}`);
  }
  if (crc32(content) !== entry.crc) throw corrupt(`entry "${entry.name}" does not match its CRC-32`);
  return content;
}

function startOf({ name, method }: Central, packed: Buffer): Buffer {
  const first = packed.subarray(0, 512);
  if (method === 0) return first;
  try {
    // With a flush that asks for no end, what there is comes out.
    return inflateRawSync(first, { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 4096 });
  } catch (cause) {
    throw corrupt(`entry "${name}" cannot be inflated`, cause);
  }
}

function inflate({ name, size }: Central, packed: Buffer): Buffer {
  // One chunk that takes the whole output and one byte more, so that zlib need not ask for a second.
  const options = { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size + 1), info: true };
  let result: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info`, node returns the engine too; the types know only the plain form.
    result = inflateRawSync(packed, options) as unknown as typeof result;
  } catch (cause) {
    throw corrupt(`entry "${name}" cannot be inflated to its ${size} bytes`, cause);
  }
  if (result.engine.bytesWritten !== packed.length) throw corrupt(`entry "${name}" goes on after its end`);
  return result.buffer;
}

function corrupt(reason: string, cause?: unknown): LakeferryError {
  return new LakeferryError(`The archive is corrupt: ${reason}.`, { code: "corrupt", cause });
}

function unsupported(message: string): LakeferryError {
  return new LakeferryError(message, { code: "not-supported" });
}
