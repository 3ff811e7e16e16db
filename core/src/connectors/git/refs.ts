import { LakeferryError } from "../../job/errors.ts";
import type { Ref } from "./port.ts";
import type { Repository } from "./repository.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses them
const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|\.$|\/$|\.\//;

/** @throws LakeferryError `invalid-input` for a name that git does not take as a ref */
export function assertRefName(name: string): void {
  if (!name.startsWith("refs/") || name.length > 1000 || forbidden.test(name))
    throw new LakeferryError(`"${name}" cannot be the name of a ref.`, {
      code: "invalid-input",
      hint: "Give it in full, such as refs/heads/main, without spaces and without ~ ^ : ? * [ \\ ..",
    });
}

/** What the remote has at a prefix or under it; `unpaced` as in `Repository.remote`. */
export async function listRefs(
  repository: Repository,
  prefixes: readonly string[],
  unpaced?: AbortSignal,
): Promise<readonly Ref[]> {
  // A pattern of ls-remote matches the end of a name: both forms of a prefix are asked for, and checked below.
  const patterns = prefixes.map((prefix) => (prefix.endsWith("/") ? `${prefix}*` : prefix));
  const finished = await repository.remote("git/refs", ["ls-remote", "--quiet", "lakeferry", ...patterns], {
    doing: "list the refs of",
    unpaced,
  });
  const refs = new Map<string, { name: string; oid: string; peeled?: string }>();
  for (const line of finished.stdout.toString("utf8").split("\n")) {
    const [oid, name] = line.split("\t");
    if (!oid || !name?.startsWith("refs/")) continue;
    if (oid.length !== 40)
      throw new LakeferryError(`The repository ${repository.address.url} uses SHA-256 object ids.`, {
        code: "not-supported",
        hint: "Use a repository with SHA-1 object ids: git init --object-format=sha1.",
      });
    const base = name.replace(/\^\{\}$/, "");
    if (
      prefixes.length > 0 &&
      !prefixes.some((prefix) => base === prefix || base.startsWith(asFolder(prefix)))
    )
      continue;
    if (base === name) refs.set(name, { name, oid });
    else {
      const ref = refs.get(base);
      if (ref) ref.peeled = oid;
    }
  }
  return [...refs.values()];
}

const asFolder = (prefix: string) => (prefix.endsWith("/") ? prefix : `${prefix}/`);
