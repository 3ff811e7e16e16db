import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { LakeferryError } from "../../../job/errors.ts";
import { byteOrder } from "./byte-order.ts";

/** One object of the backup, as the manifest keeps it. */
export interface ManifestEntry {
  /** In the workspace, relative to the backed-up root, without a leading slash. */
  readonly path: string;
  /** In the repository, relative to the backup's folder. */
  readonly file: string;
  /** The workspace's object id. */
  readonly id: string;
  /** NOTEBOOK, FILE, DASHBOARD, … */
  readonly type: string;
  /** Notebooks only. */
  readonly language?: string;
  /** Milliseconds since 1970, as the workspace listed it; 0 where the bytes may not be the newest, so that they are exported again. */
  readonly modified: number;
  /** Bytes of the exported form. */
  readonly size: number;
  /** Git's id of the exported form, 40 hex digits. */
  readonly blob: string;
  /** Of the exported form, 64 hex digits. */
  readonly sha256: string;
  /** What it was exported as: SOURCE, JUPYTER, AUTO, … */
  readonly format: string;
  /** When the backup found it gone (ISO 8601, UTC), where what is gone is kept; its file stays. */
  readonly deleted?: string;
}

export const BUCKETS = 256;

/** The workspace folder of an entry's path; "" is the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Which bucket owns all entries of a workspace folder (relative to the root): a change of one rewrites one file. */
export function bucketOf(folder: string): number {
  return createHash("sha256").update(folder).digest()[0]!;
}

export const MANIFEST_FOLDER = ".lakeferry/manifest/";

/** Where a bucket lives in the backup. */
export function bucketFile(bucket: number): string {
  return `${MANIFEST_FOLDER}${bucket.toString(16).padStart(2, "0")}.jsonl`;
}

/** The bytes of a bucket: equal entries, in whatever order, give equal bytes. */
export function encodeBucket(entries: readonly ManifestEntry[]): Buffer {
  const sorted = entries.toSorted((a, b) => byteOrder(a.path, b.path));
  return Buffer.from(sorted.map((entry) => `${encodeEntry(entry)}\n`).join(""), "utf8");
}

/** One line, without its end: the keys in their order, what is undefined left out. */
export function encodeEntry(entry: ManifestEntry): string {
  const { path, file, id, type, language, modified, size, blob, sha256, format, deleted } = entry;
  return JSON.stringify({ path, file, id, type, language, modified, size, blob, sha256, format, deleted });
}

/**
 * The entries of a bucket, in its order. Only what `encodeBucket` writes is taken, byte for byte, so that a
 * bucket that was edited or merged by hand is noticed. The strings do not keep the text alive.
 * @param file where the bytes are from: named in errors; when it is a bucket's file, the entries must belong there
 * @throws LakeferryError `corrupt`, with file and line
 */
export function decodeBucket(bytes: Uint8Array, file: string): ManifestEntry[] {
  const bucket = /^(?:.*\/)?\.lakeferry\/manifest\/([0-9a-f]{2})\.jsonl$/.exec(file)?.[1];
  const entries: ManifestEntry[] = [];
  const files = new Set<string>();
  const fail = (reason: string, cause?: unknown): never => {
    throw new LakeferryError(`The manifest is corrupt: ${file}, line ${entries.length + 1}: ${reason}.`, {
      code: "corrupt",
      hint: "Restore the file from the backup's last good commit; the next backup then brings it up to date.",
      cause,
    });
  };
  if (!isUtf8(bytes)) fail("the file is not in UTF-8");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  let folder: string | undefined;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    if (end < 0) fail("the line is cut off");
    const line = text.slice(at, end);
    at = end + 1;
    const entry = decodeEntry(line, fail);
    const previous = entries.at(-1);
    if (previous && byteOrder(previous.path, entry.path) >= 0) {
      fail(previous.path === entry.path ? "the path is there twice" : "the lines are out of order");
    }
    const entryFolder = folderOf(entry.path);
    if (bucket !== undefined && entryFolder !== folder) {
      if (bucketOf(entryFolder) !== Number.parseInt(bucket, 16)) fail("the path belongs in another bucket");
      folder = entryFolder;
    }
    if (entry.deleted === undefined) {
      if (files.has(entry.file)) fail(`two objects have the file "${entry.file}"`);
      files.add(entry.file);
    }
    entries.push(entry);
  }
  return entries;
}

type Fail = (reason: string, cause?: unknown) => never;

function decodeEntry(line: string, fail: Fail): ManifestEntry {
  let entry: ManifestEntry;
  try {
    entry = JSON.parse(line);
  } catch (cause) {
    return fail("it is not JSON", cause);
  }
  if (entry === null || typeof entry !== "object") fail("it is not an object");
  const { path, file, id, type, language, modified, size, blob, sha256, format, deleted } = entry;
  for (const [name, value] of Object.entries({ path, file, id, type, format, language: language ?? "-" })) {
    if (typeof value !== "string" || value === "") fail(`\`${name}\` is not a text`);
  }
  if (/^\/|\/$|\/\//.test(path)) fail("`path` is not a relative path");
  if (/(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)|^\.lakeferry\/|[\0\\]/i.test(file))
    fail("`file` is not a path inside the repository");
  for (const [name, value] of [["modified", modified] as const, ["size", size] as const]) {
    if (!Number.isSafeInteger(value) || value < 0) fail(`\`${name}\` is not a whole number`);
  }
  if (!/^[0-9a-f]{40}$/.test(blob)) fail("`blob` is not 40 hex digits");
  if (!/^[0-9a-f]{64}$/.test(sha256)) fail("`sha256` is not 64 hex digits");
  if (deleted !== undefined && !isDate(deleted)) fail("`deleted` is not an ISO date");
  if (encodeEntry(entry) !== line) fail("it is not in the form that Lakeferry writes");
  return entry;
}

function isDate(text: unknown): boolean {
  return (
    /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,3})?Z)?$/.test(String(text)) &&
    !Number.isNaN(Date.parse(String(text)))
  );
}
