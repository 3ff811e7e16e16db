import { isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";
import { LakeferryError } from "../../../job/errors.ts";

const UTF8 = 1 << 11;
/** Info-ZIP's Unicode Path: version 1, CRC-32 of the plain name, the name in UTF-8. */
const UNICODE_PATH = 0x7075;

/** The upper half of code page 437, the encoding of names that do not say another. */
const CP437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
  "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

/**
 * The name of a zip entry. Without the UTF-8 flag, a Unicode Path that belongs to the name wins; then bytes that
 * are UTF-8 are read as such, for many writers forget the flag; what is left is code page 437.
 * @throws LakeferryError `corrupt` when the flag promises UTF-8 and the bytes are not
 */
export function entryName(raw: Buffer, flags: number, extra: Buffer): string {
  if (flags & UTF8) {
    if (isUtf8(raw)) return raw.toString("utf8");
    throw new LakeferryError(`The archive is corrupt: entry "${raw.toString("latin1")}" is not in UTF-8.`, {
      code: "corrupt",
    });
  }
  const unicode = unicodePath(raw, extra) ?? raw;
  if (isUtf8(unicode)) return unicode.toString("utf8");
  return Array.from(raw, (byte) => (byte < 128 ? String.fromCharCode(byte) : CP437[byte - 128])).join("");
}

function unicodePath(raw: Buffer, extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    const fits = extra.readUInt16LE(at) === UNICODE_PATH && end <= extra.length && end >= at + 9;
    if (fits && extra[at + 4] === 1 && extra.readUInt32LE(at + 5) === crc32(raw)) {
      return extra.subarray(at + 9, end);
    }
    at = end;
  }
  return undefined;
}
