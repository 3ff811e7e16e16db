import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LakeferryError } from "../../job/errors.ts";
import type { ConfigEntry } from "./environment.ts";
import { assertOid } from "./objects.ts";
import type { RefUpdate } from "./port.ts";
import type { Finished } from "./processes.ts";
import { assertRefName, listRefs } from "./refs.ts";
import type { Repository } from "./repository.ts";

export interface PushOptions {
  readonly unpaced?: AbortSignal | undefined;
}

/**
 * Nothing is gained by looking for likeness: notebooks are small, and half of a manifest is hashes. Measured with 256
 * changed buckets of 70 kB: a window of 10 makes a push of 18.7 MB one of 14, and takes twice the time. Hosts repack.
 */
const packing: readonly ConfigEntry[] = [["pack.window", "0"]];

/**
 * Moves refs at the remote, all or none.
 *
 * `--force-with-lease=<ref>:<expected>` is used as a compare-and-swap, and for nothing else: git sends the expected
 * value as the old one, and the server moves the ref only from there. It would let a branch move to a commit that does
 * not contain the old one; that is why a branch's ancestry is checked here first, and nothing is ever sent with `+`.
 */
export class Pushing {
  readonly #repository: Repository;
  /** Whether the server takes several updates as one: unknown until it was seen to refuse that. */
  #atomic = true;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** See `GitWriter.push`. */
  async push(updates: readonly RefUpdate[], options: PushOptions = {}): Promise<void> {
    for (const update of updates) {
      assertRefName(update.name);
      if (update.from) assertOid(update.from);
      if (update.to) assertOid(update.to);
      await this.#assertForward(update, options.unpaced);
    }
    const real = updates.filter((update) => update.from !== undefined || update.to !== undefined);
    if (real.length === 0) return;
    if (this.#atomic || real.length === 1) {
      const done = await this.#together(real, options);
      if (done) return;
    }
    await this.#oneByOne(real, options);
  }

  /** Resolves to false when the server cannot move several refs as one. */
  async #together(updates: readonly RefUpdate[], options: PushOptions): Promise<boolean> {
    const refusals = await this.#send(updates, options);
    if (refusals === undefined) {
      if (await this.#refusesAtomic(updates, options)) {
        this.#atomic = false;
        return false;
      }
      throw this.#unclear(updates);
    }
    if (refusals.size === 0) return true;
    const rest = await this.#notYet(updates, refusals, options);
    if (rest.length === 0) return true;
    // Some are done already, by this push asked before: only the others are asked for again.
    if (rest.length < updates.length) {
      const again = await this.#send(rest, options);
      if (again?.size === 0) return true;
      await this.#notYet(rest, again ?? new Map(), options);
    }
    throw this.#refused(rest, refusals);
  }

  /** Branches first, then tags, then what goes away: at every moment what a ref names is at the remote. */
  async #oneByOne(updates: readonly RefUpdate[], options: PushOptions): Promise<void> {
    const rank = (update: RefUpdate) =>
      update.to === undefined ? 2 : update.name.startsWith("refs/tags/") ? 1 : 0;
    for (const update of [...updates].sort((a, b) => rank(a) - rank(b)))
      await this.#together([update], options);
  }

  /** Pushes, and gives the refs that were refused with the reason as it was told; undefined when git got no answer. */
  async #send(
    updates: readonly RefUpdate[],
    options: PushOptions,
    dry?: { atomic: boolean },
  ): Promise<Map<string, string> | undefined> {
    const atomic = dry ? dry.atomic : updates.length > 1;
    const args = [
      "push",
      "--porcelain",
      "--no-progress",
      "--no-verify",
      ...(dry ? ["--dry-run"] : []),
      ...(atomic ? ["--atomic"] : []),
      ...updates.map(({ name, from }) => `--force-with-lease=${name}:${from ?? ""}`),
      "lakeferry",
      ...updates.map(({ name, to }) => `${to ?? ""}:${name}`),
    ];
    let answer: Map<string, string> | undefined;
    await this.#repository
      .remote("git/push", args, {
        doing: `push ${updates.map(({ name }) => name).join(", ")} to`,
        service: "git-receive-pack",
        config: packing,
        unpaced: options.unpaced,
        accepted: (finished) => {
          answer = refusedRefs(finished);
          return answer.size > 0 || dry !== undefined || this.#unanswered(updates, finished);
        },
      })
      .then((finished) => {
        if (finished.code === 0) answer = new Map();
        else if (answer?.size === 0) answer = undefined;
      });
    return answer;
  }

  /** git can end without asking the remote: no atomic pushes there, or a ref to delete that is gone already. */
  #unanswered(updates: readonly RefUpdate[], finished: Finished): boolean {
    return (
      finished.endedBy === undefined && (updates.length > 1 || updates.some(({ to }) => to === undefined))
    );
  }

  async #refusesAtomic(updates: readonly RefUpdate[], options: PushOptions): Promise<boolean> {
    if (updates.length < 2) return false;
    const plain = await this.#send(updates, options, { atomic: false });
    return plain !== undefined && (await this.#send(updates, options, { atomic: true })) === undefined;
  }

  /** Asks where the refs are: gives the updates that are not done, and throws when one of them can no longer be. */
  async #notYet(
    updates: readonly RefUpdate[],
    refusals: ReadonlyMap<string, string>,
    options: PushOptions,
  ): Promise<RefUpdate[]> {
    const refs = await listRefs(
      this.#repository,
      updates.map(({ name }) => name),
      options.unpaced,
    );
    const now = new Map(refs.map((ref) => [ref.name, ref.oid]));
    const rest = updates.filter(({ name, to }) => now.get(name) !== to);
    const moved = rest.find(({ name, from }) => now.get(name) !== from);
    if (moved)
      throw new LakeferryError(
        `${moved.name} of ${this.#repository.address.url} is at ${now.get(moved.name) ?? "nothing"}, and not at ${moved.from ?? "nothing"}.`,
        {
          code: "conflict",
          hint: "Somebody else moved it in the meantime; run again to start from what is there now.",
          cause: refusals.get(moved.name),
        },
      );
    return rest;
  }

  #refused(updates: readonly RefUpdate[], refusals: ReadonlyMap<string, string>): LakeferryError {
    const first = updates.find(({ name }) => refusals.has(name)) ?? updates[0]!;
    return new LakeferryError(
      `${this.#repository.address.url} refused to move ${first.name}: ${refusals.get(first.name) ?? "no reason given"}.`,
      {
        code: "forbidden",
        hint: "See whether the branch is protected, and whether the token may write to it.",
      },
    );
  }

  #unclear(updates: readonly RefUpdate[]): LakeferryError {
    return new LakeferryError(
      `Could not push ${updates.map(({ name }) => name).join(", ")} to ${this.#repository.address.url}.`,
      { code: "unavailable" },
    );
  }

  /** A branch only moves forward, as far as its history is here. */
  async #assertForward({ name, from, to }: RefUpdate, signal?: AbortSignal): Promise<void> {
    if (!name.startsWith("refs/heads/") || !from || !to || from === to) return;
    const here = await this.#repository.missing([from, to], signal);
    if (here.size > 0) return;
    const finished = await this.#repository.ask(["merge-base", "--is-ancestor", from, to], { signal });
    if (finished.code === 0 || (await this.#reachesUnknown(to, signal))) return;
    throw new LakeferryError(`${name} would move from ${from} to ${to}, which does not contain it.`, {
      code: "conflict",
      hint: "A branch is never moved by force: commit on top of what it has.",
    });
  }

  /** Whether the history of a commit ends here at one whose parents were not fetched. */
  async #reachesUnknown(oid: string, signal?: AbortSignal): Promise<boolean> {
    const shallow = await readFile(join(this.#repository.folder, "shallow"), "latin1").catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      },
    );
    const roots = await this.#repository.local(["rev-list", "--max-parents=0", oid], { signal });
    return roots
      .toString("latin1")
      .split("\n")
      .some((root) => root !== "" && shallow.includes(root));
  }
}

/** The `!` lines of `git push --porcelain`: the ref, and the reason for people. */
function refusedRefs(finished: Finished): Map<string, string> {
  const refused = new Map<string, string>();
  for (const line of finished.stdout.toString("utf8").split("\n")) {
    const [flag, refspec = "", summary = ""] = line.split("\t");
    if (flag === "!") refused.set(refspec.slice(refspec.indexOf(":") + 1), summary);
  }
  return refused;
}
