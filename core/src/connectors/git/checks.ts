import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "../../job/connections.ts";
import { asLakeferryError, LakeferryError } from "../../job/errors.ts";
import { signature } from "./committing.ts";
import { listRefs } from "./refs.ts";
import type { Repository } from "./repository.ts";

export interface CheckParts {
  readonly version: () => Promise<string>;
  readonly open: () => Promise<Repository>;
  readonly now: () => number;
}

/** What `lakeferry doctor` asks of a repository. Nothing is written anywhere but in the temporary folder. */
export async function* checkRepository(parts: CheckParts): AsyncIterable<Check> {
  const git = await attempt("git", async () => `git ${await parts.version()}`);
  yield git;
  if (git.result === "failed") return;
  const read = await attempt("repository can be read", async () => {
    const refs = await listRefs(await parts.open(), ["refs/heads/"]);
    return refs.length === 0 ? "it is empty" : `${refs.length} branch${refs.length === 1 ? "" : "es"}`;
  });
  yield read;
  if (read.result === "failed") return;
  yield await attempt("repository can be written", async () => tryWrite(await parts.open(), parts.now()));
}

async function attempt(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, result: "ok", detail: await look() };
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    return { name, result: "failed", detail: error.message, ...(error.hint && { hint: error.hint }) };
  }
}

/** A push up to the point where it would begin to send: the server has agreed to take it, and got nothing. */
async function tryWrite(repository: Repository, now: number): Promise<string> {
  const { address } = repository;
  const tree = await repository.store("tree", new Uint8Array());
  const by = signature("Lakeferry <lakeferry@localhost>", new Date(now));
  const commit = await repository.store(
    "commit",
    Buffer.from(`tree ${tree}\nauthor ${by}\ncommitter ${by}\n\nA check.\n`),
  );
  await repository.remote(
    "git/push",
    ["push", "--dry-run", "--porcelain", "--no-verify", "lakeferry", `${commit}:refs/heads/lakeferry-check`],
    { doing: "write to", service: "git-receive-pack" },
  );
  if (address.kind === "path") {
    const root = (await exists(join(address.url, "objects"))) ? address.url : join(address.url, ".git");
    for (const folder of ["objects", "refs"])
      await access(join(root, folder), constants.W_OK | constants.X_OK).catch((cause) => {
        throw new LakeferryError(`This user may not write in ${join(root, folder)}.`, {
          code: "forbidden",
          hint: "Give the user that runs Lakeferry the right to write there.",
          cause,
        });
      });
  }
  return "the server takes pushes; whether a branch is protected shows when it is pushed";
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
