import { isUtf8 } from "node:buffer";
import { LakeferryError } from "../../job/errors.ts";

/**
 * A path of git is bytes. As text, a byte that is not part of valid UTF-8 stands as a lone surrogate
 * U+DC80–U+DCFF, so that every path survives reading and writing.
 */
export function decodePath(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)));
    text += length ? bytes.toString("utf8", at, at + length) : String.fromCharCode(0xdc00 + bytes[at]!);
    at += length ?? 1;
  }
  return text;
}

/** The bytes of a path, as `decodePath` gave it. */
export function encodePath(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path, "utf8");
  const parts = Array.from(path, (character) => {
    const unit = character.charCodeAt(0);
    const raw = character.length === 1 && unit >= 0xdc80 && unit <= 0xdcff;
    return raw ? Buffer.of(unit - 0xdc00) : Buffer.from(character, "utf8");
  });
  return Buffer.concat(parts);
}

const named: Readonly<Record<number, string>> = { 10: "\\n", 34: '\\"', 92: "\\\\" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be escaped
const escaped = /["\\\x00-\x1f\x7f]/;

/** The path in the C-style quotes of `git fast-import`, so that no name can end its line or its field. */
export function quotePath(path: string): Buffer {
  if (path.isWellFormed() && !escaped.test(path)) return Buffer.from(`"${path}"`, "utf8");
  const parts = [0x22];
  for (const byte of encodePath(path)) {
    const code =
      named[byte] ?? (byte < 0x20 || byte === 0x7f ? `\\${byte.toString(8).padStart(3, "0")}` : "");
    if (code === "") parts.push(byte);
    else parts.push(...Buffer.from(code, "latin1"));
  }
  return Buffer.from([...parts, 0x22]);
}

// Code points that HFS+ leaves out when it compares names.
const hfsIgnored = /\u200c|\u200d|\u200e|\u200f|[\u202a-\u202e]|[\u206a-\u206f]|\ufeff/g;

/** Whether a file system could take this name for `.git`: the rules of git's own fsck. */
function isDotGit(component: string): boolean {
  if (component.replace(hfsIgnored, "").toLowerCase() === ".git") return true;
  return component.split("\\").some((part) => /^(\.git|git~1)[ .]*(:|$)/i.test(part));
}

/** @throws LakeferryError `invalid-input` for a path that git, or a file system it is checked out to, would refuse */
export function assertPath(path: string): void {
  const reason = (() => {
    if (path === "") return "is empty";
    if (path.includes("\0")) return "holds a NUL character";
    if (path.length > 1024 && Buffer.byteLength(path) > 4096) return "is longer than 4,096 bytes";
    for (const component of path.split("/")) {
      if (component === "") return "has an empty part";
      if (component === "." || component === "..") return `has a part "${component}"`;
      if (isDotGit(component)) return `has the part "${component}", which is kept for git itself`;
    }
    return undefined;
  })();
  if (reason)
    throw new LakeferryError(`The path ${JSON.stringify(path)} cannot be written to git: it ${reason}.`, {
      code: "invalid-input",
      hint: "Rename the object at its source, or leave it out.",
    });
}
