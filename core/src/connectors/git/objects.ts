import { LakeferryError } from "../../job/errors.ts";
import { decodePath } from "./paths.ts";
import type { Commit, Tag, TreeChange, TreeEntry } from "./port.ts";

const oidForm = /^[0-9a-f]{40}$/;

/** @throws LakeferryError `invalid-input` when a text is not a full object id */
export function assertOid(oid: string): void {
  if (!oidForm.test(oid))
    throw new LakeferryError(`"${oid}" is not a full SHA-1 object id.`, { code: "invalid-input" });
}

/** An object as `git cat-file --batch` gives it; `bytes` is absent for one that is not here. */
export interface BatchObject {
  readonly oid: string;
  readonly type: string;
  readonly bytes?: Buffer;
}

/** Cuts the output of `git cat-file --batch` into objects, however its chunks fall. */
export async function* readBatch(output: AsyncIterable<Buffer>): AsyncIterable<BatchObject> {
  const source = output[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await source.next();
    if (next.done) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  for (;;) {
    let end = rest.indexOf(0x0a);
    while (end < 0 && (await more())) end = rest.indexOf(0x0a);
    if (end < 0) return;
    const [oid = "", type = "", length = ""] = rest.toString("latin1", 0, end).split(" ");
    rest = rest.subarray(end + 1);
    if (type === "missing") {
      yield { oid, type };
      continue;
    }
    const size = Number(length);
    const parts: Buffer[] = [];
    let have = 0;
    while (have <= size) {
      const part = rest.subarray(0, size + 1 - have);
      parts.push(part);
      have += part.length;
      rest = rest.subarray(part.length);
      if (have <= size && !(await more())) return;
    }
    const bytes = (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).subarray(0, size);
    yield { oid, type, bytes };
  }
}

/** Fields ended by NUL, however the chunks fall. */
export async function* readFields(output: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of output) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0, from)) {
      yield rest.subarray(from, end);
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
}

/** Files of `git ls-tree -r -z`; submodules are not files and are left out. */
export async function* readTree(output: AsyncIterable<Buffer>): AsyncIterable<TreeEntry> {
  for await (const field of readFields(output)) {
    const tab = field.indexOf(0x09);
    const [mode = "", type, oid = ""] = field.toString("latin1", 0, tab).split(" ");
    if (type === "blob") yield { path: decodePath(field.subarray(tab + 1)), oid, mode };
  }
}

/** Changes of `git diff-tree -r -z --raw`. */
export async function* readDiff(output: AsyncIterable<Buffer>): AsyncIterable<TreeChange> {
  let facts: string[] | undefined;
  for await (const field of readFields(output)) {
    if (!facts) {
      facts = field.toString("latin1").slice(1).split(" ");
      continue;
    }
    const [, mode = "", , oid = "", status = ""] = facts;
    facts = undefined;
    const path = decodePath(field);
    const gone = status === "D" || mode === "160000";
    yield gone ? { path } : { path, oid, mode };
  }
}

/** The header lines and the message of a commit or tag. */
function parts(bytes: Buffer): { fields: [string, string][]; message: string } {
  const end = bytes.indexOf("\n\n");
  const head = bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
  const fields = head
    .split("\n")
    .filter((line) => !line.startsWith(" "))
    .map((line): [string, string] => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    });
  return { fields, message: end < 0 ? "" : bytes.toString("utf8", end + 2) };
}

function personAndTime(value: string): { person: string; at: Date } {
  const match = /^(.*) (-?\d+) [+-]\d{4}$/.exec(value);
  return { person: match?.[1] ?? value, at: new Date(Number(match?.[2] ?? 0) * 1000) };
}

export function parseCommit(oid: string, bytes: Buffer): Commit {
  const { fields, message } = parts(bytes);
  const one = (name: string) => fields.find(([key]) => key === name)?.[1] ?? "";
  return {
    oid,
    tree: one("tree"),
    parents: fields.filter(([key]) => key === "parent").map(([, value]) => value),
    author: personAndTime(one("author")).person,
    committedAt: personAndTime(one("committer")).at,
    message,
  };
}

export function parseTag(bytes: Buffer): Tag {
  const { fields, message } = parts(bytes);
  const one = (name: string) => fields.find(([key]) => key === name)?.[1] ?? "";
  return { name: one("tag"), target: one("object"), taggedAt: personAndTime(one("tagger")).at, message };
}
