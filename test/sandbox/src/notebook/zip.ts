import { crc32, deflateRawSync } from "node:zlib";

/** A deflated file, ready to be put into any number of archives under any name. */
export interface ZipEntry {
  crc: number;
  size: number;
  data: Buffer;
}

/** 2025-01-09 17:42:10, in the format of zip archives: fixed, so that the same notebooks give the same archive. */
const DOS_TIME = (17 << 11) | (42 << 5) | 5;
const DOS_DATE = (45 << 9) | (1 << 5) | 9;

/** Deflates a file. Level 1: archives a tenth larger than the real ones for a third of the time. */
export function zipEntry(content: Buffer): ZipEntry {
  // A chunk too large for Buffer's pool, where it would be kept alive by the contents beside it.
  const data = kept(deflateRawSync(content, { level: 1, chunkSize: 64 * 1024 }));
  return { crc: crc32(content), size: content.length, data };
}

const SLAB = 8 * 1024 * 1024;
let slab = Buffer.alloc(0);

/** A copy in a large slab: many small buffers between zlib's short-lived ones would keep gigabytes of the heap from being given back. */
function kept(data: Buffer): Buffer {
  if (data.length > SLAB / 8) return Buffer.from(data);
  if (slab.length < data.length) slab = Buffer.allocUnsafeSlow(SLAB);
  const copy = slab.subarray(0, data.copy(slab));
  slab = slab.subarray(data.length);
  return copy;
}

/** The exact length of the archive that {@link zip} would give, for comparing with the limit before building it. */
export function zipSize(files: readonly { name: Buffer; entry: ZipEntry }[]): number {
  let size = 22;
  for (const { name, entry } of files) size += 76 + 2 * name.length + entry.data.length;
  return size;
}

/** A zip archive. Two files of the same name become two entries of the same name, as in a real archive. */
export function zip(files: readonly { name: Buffer; entry: ZipEntry }[]): Buffer {
  const out = Buffer.allocUnsafe(zipSize(files));
  const offsets: number[] = [];
  let at = 0;
  for (const { name, entry } of files) {
    offsets.push(at);
    out.writeUInt32LE(0x04034b50, at);
    at = writeFields(out, at + 4, name, entry);
    at += name.copy(out, at);
    at += entry.data.copy(out, at);
  }
  const directory = at;
  for (const [i, { name, entry }] of files.entries()) {
    out.writeUInt32LE(0x02014b50, at);
    out.writeUInt16LE((3 << 8) | 20, at + 4);
    at = writeFields(out, at + 6, name, entry);
    out.fill(0, at, at + 10);
    out.writeUInt32LE(0o644 << 16, at + 6);
    out.writeUInt32LE(offsets[i]!, at + 10);
    at += 14;
    at += name.copy(out, at);
  }
  out.writeUInt32LE(0x06054b50, at);
  out.writeUInt32LE(0, at + 4);
  out.writeUInt16LE(files.length, at + 8);
  out.writeUInt16LE(files.length, at + 10);
  out.writeUInt32LE(at - directory, at + 12);
  out.writeUInt32LE(directory, at + 16);
  out.writeUInt16LE(0, at + 20);
  return out;
}

/** The 26 bytes that the local and the central header share, from "version needed" on. The UTF-8 flag is set only where a name needs it. */
function writeFields(out: Buffer, at: number, name: Buffer, entry: ZipEntry): number {
  out.writeUInt16LE(20, at);
  out.writeUInt16LE(name.some((byte) => byte > 127) ? 0x800 : 0, at + 2);
  out.writeUInt16LE(8, at + 4);
  out.writeUInt16LE(DOS_TIME, at + 6);
  out.writeUInt16LE(DOS_DATE, at + 8);
  out.writeUInt32LE(entry.crc, at + 10);
  out.writeUInt32LE(entry.data.length, at + 14);
  out.writeUInt32LE(entry.size, at + 18);
  out.writeUInt16LE(name.length, at + 22);
  out.writeUInt16LE(0, at + 24);
  return at + 26;
}
