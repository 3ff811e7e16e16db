import { crc32, deflateRawSync } from "node:zlib";
import type { ArchiveEntry } from "./archive.ts";

const UTF8 = 1 << 11;
const DEFLATE = 8;
/** 1 January 1980, the first day of the format: equal entries give equal archives. */
const DATE = 0x21;

/** A zip archive of the entries, deflated, names in UTF-8. For a few entries, together under 4 GiB. */
export function writeArchive(entries: readonly Pick<ArchiveEntry, "name" | "bytes">[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const rawName = Buffer.from(name, "utf8");
    const packed = deflateRawSync(bytes);
    const shared = Buffer.alloc(26); // the fields that local header and central directory have in common
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(UTF8, 2);
    shared.writeUInt16LE(DEFLATE, 4);
    shared.writeUInt16LE(DATE, 8);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(rawName.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const local = [Buffer.from("PK\x03\x04"), shared, rawName, packed];
    directory.push(Buffer.from("PK\x01\x02\x14\x00"), shared, tail, rawName);
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(
    directory.reduce((sum, part) => sum + part.length, 0),
    12,
  );
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
