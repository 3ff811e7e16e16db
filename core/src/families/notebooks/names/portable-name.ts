import { createHash } from "node:crypto";

/** A file system allows 255; the rest is for what a checkout or an archive adds. */
export const MAX_NAME_BYTES = 240;

/** Illegal on Windows, the end of a component anywhere, or half of a surrogate pair, which UTF-8 cannot hold. */
const ILLEGAL = /[\p{Cc}\p{Cs}<>:"|?*\\/]/gu;

/** Names of devices on Windows, alone or before a dot; spaces between do not help. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?= *(?:\.|$))/i;

/** What HFS+ leaves out when it compares names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * The files that git itself reads, by the name and by what FAT and NTFS may call them. `git fsck`, and so every
 * host that checks pushes, refuses `.git` and reads `.gitmodules` and `.gitattributes` at any depth; a
 * `.gitattributes` from the workspace would also change what a checkout of the backup writes.
 */
const OWNED_BY_GIT = /^(?:\.git(?:modules|attributes)?|git~1|git(?:mod|att)~[1-4])$/i;
/** NTFS' numbered forms of the same two, after git's `is_ntfs_dot_generic`: eight characters. */
const NUMBERED_BY_NTFS = /^(?=.{8}$)(?:g(?:i(?:7(?:e(?:ba?)?|d(?:29?)?)?)?)?)?~[1-9]\d*$/i;

/**
 * `name` as a component of a path that git accepts and that can be checked out on Windows, macOS and Linux. A
 * name without anything special stays as it is; otherwise the characters in the way are percent-encoded, a
 * device's name gets an underscore. Two names can give the same: uniqueness is the caller's. Any length.
 */
export function portableName(name: string): string {
  let portable = name.replace(ILLEGAL, percentEncoded);
  if (/[. ]$/.test(portable)) portable = portable.slice(0, -1) + percentEncoded(portable.at(-1)!);
  portable = portable.replace(RESERVED, "$1_");
  // Ignored spaces and dots at the end are gone by now.
  const seenByGit = portable.replace(HFS_IGNORED, "");
  if (OWNED_BY_GIT.test(seenByGit) || NUMBERED_BY_NTFS.test(portable)) {
    const at = Math.max(0, portable.indexOf("~"));
    portable = portable.slice(0, at) + percentEncoded(portable.charAt(at)) + portable.slice(at + 1);
  }
  return portable === "" ? "_" : portable;
}

/**
 * Equal for two names that some file system takes for one: case, normalisation and HFS+' ignored characters do
 * not count. Upper case first, for `ß` and `ss`, `ﬁ` and `fi` are the same on APFS.
 */
export function foldedName(name: string): string {
  return name.replace(HFS_IGNORED, "").normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

/** `stem + ending`, cut in the stem when it is too long; then a short hash of the whole stem tells it from others. */
export function fittedName(stem: string, ending: string): string {
  const whole = stem + ending;
  if (Buffer.byteLength(whole) <= MAX_NAME_BYTES) return whole;
  const hash = `~${createHash("sha256").update(stem).digest("hex").slice(0, 8)}`;
  let room = MAX_NAME_BYTES - Buffer.byteLength(hash + ending);
  let cut = "";
  for (const character of stem) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    cut += character;
  }
  return cut + hash + ending;
}

function percentEncoded(character: string): string {
  if (!character.isWellFormed()) return `%u${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return Array.from(
    Buffer.from(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
