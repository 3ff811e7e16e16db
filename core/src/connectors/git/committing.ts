import { hash } from "node:crypto";
import { LakeferryError } from "../../job/errors.ts";
import type { FastImport } from "./fast-import.ts";
import { assertOid } from "./objects.ts";
import { assertPath, quotePath } from "./paths.ts";
import type { NewCommit } from "./port.ts";

/** A commit's changes as commands of fast-import, with what must hold before they are sent. */
export interface Prepared {
  readonly commands: readonly Uint8Array[];
  /** Blobs that changes name. */
  readonly puts: ReadonlySet<string>;
  /** Paths that moves take their file from. */
  readonly sources: readonly string[];
}

const line = (...parts: readonly (string | Uint8Array)[]) =>
  Buffer.concat([...parts, "\n"].map((part) => (typeof part === "string" ? Buffer.from(part) : part)));

/**
 * Turns changes into commands. A move takes the file of the first parent, whatever other changes do to its path: so
 * all of them are set aside first, in a folder that no tree has, and put in place in their turn.
 */
export async function prepareChanges({ changes, parents }: NewCommit): Promise<Prepared> {
  const commands: Uint8Array[] = [];
  const puts = new Set<string>();
  const sources: string[] = [];
  // No tree can have a name that is made from the id of a commit with that tree.
  const aside = `.lakeferry-${hash("sha1", parents[0] ?? "")}`;
  for await (const change of changes) {
    if (change.op === "put") {
      assertPath(change.path);
      assertOid(change.oid);
      puts.add(change.oid);
      commands.push(line(`M 100644 ${change.oid} `, quotePath(change.path)));
    } else if (change.op === "delete") {
      assertPath(change.path);
      commands.push(line("D ", quotePath(change.path)));
    } else {
      assertPath(change.to);
      commands.push(line(`R "${aside}/${sources.length}" `, quotePath(change.to)));
      sources.push(change.from);
    }
  }
  const taken = sources.map((from, i) => line("C ", quotePath(from), ` "${aside}/${i}"`));
  const removed = sources.map((from) => line("D ", quotePath(from)));
  return { commands: [...taken, ...removed, ...commands], puts, sources };
}

/** @throws LakeferryError `not-found` when a move's file is not in the parent */
export async function assertSources(
  fastImport: FastImport,
  parent: string | undefined,
  dataref: string | undefined,
  sources: readonly string[],
): Promise<void> {
  if (sources.length === 0) return;
  const missing = (path: string) =>
    new LakeferryError(
      `There is no file ${JSON.stringify(path)} in ${parent ?? "an empty commit"} to be moved.`,
      {
        code: "not-found",
      },
    );
  if (!dataref) throw missing(sources[0]!);
  const answers = await Promise.all(
    sources.map((from) => fastImport.ask(line(`ls ${dataref} `, quotePath(from)))),
  );
  const at = answers.findIndex((answer) => !/^\d+ blob /.test(answer));
  if (at >= 0) throw missing(sources[at]!);
}

/** A person and a moment as git writes them; what would end the field early is left out. */
export function signature(person: string, at: Date): string {
  const match = /^(.*?)\s*<([^<>]*)>\s*$/s.exec(person);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they would end the line
  const clean = (text: string) => text.replace(/[\x00-\x1f\x7f<>]/g, " ").trim();
  const [name, email] = match ? [clean(match[1]!), clean(match[2]!)] : [clean(person), ""];
  return `${name === "" ? "unknown" : name} <${email}> ${Math.floor(at.getTime() / 1000)} +0000`;
}
