import { LakeferryError } from "../../job/errors.ts";
import type { ConfigEntry } from "./environment.ts";
import { assertOid } from "./objects.ts";
import type { Finished } from "./processes.ts";
import type { Repository } from "./repository.ts";

/** Told to the commands that fetch, and to no other: only they may count on the remote for what is missing here. */
const promisor: readonly ConfigEntry[] = [
  ["remote.lakeferry.promisor", "true"],
  ["remote.lakeferry.partialclonefilter", "blob:none"],
];

const plain = [
  "--quiet",
  "--no-tags",
  "--no-write-fetch-head",
  "--no-recurse-submodules",
  "--no-auto-maintenance",
];

/** What has been brought here of each commit, and how more is brought. */
export class Fetching {
  readonly #repository: Repository;
  readonly #here = new Map<string, "commit" | "trees">();
  /** Fetches follow each other: git locks the list of shallow commits. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Notes a commit that was written here, or whose parts are known to be here. */
  note(commit: string): void {
    this.#here.set(commit, "trees");
  }

  has(commit: string, trees: boolean): boolean {
    const found = this.#here.get(commit);
    return trees ? found === "trees" : found !== undefined;
  }

  /** Brings commits (or annotated tags with their commit), shallow and without blobs. */
  async commits(oids: readonly string[], trees: boolean, unpaced?: AbortSignal): Promise<void> {
    oids.forEach(assertOid);
    await this.#inTurn(async () => {
      const wanted = [...new Set(oids)].filter((oid) => !this.has(oid, trees));
      if (wanted.length === 0) return;
      const filter = trees ? "--filter=blob:none" : "--filter=tree:0";
      await this.#fetch(["--depth=1", filter], wanted, "commit", unpaced);
      for (const oid of wanted) this.#here.set(oid, trees ? "trees" : "commit");
    });
  }

  /** Brings the blobs that are not here, all in one request. */
  async blobs(oids: readonly string[]): Promise<void> {
    oids.forEach(assertOid);
    await this.#inTurn(async () => {
      const wanted = [...(await this.#repository.missing([...new Set(oids)]))];
      if (wanted.length > 0) await this.#fetch(["--filter=blob:none"], wanted, "object");
    });
  }

  async #fetch(
    args: readonly string[],
    oids: readonly string[],
    what: string,
    unpaced?: AbortSignal,
  ): Promise<void> {
    const named = (finished: Finished) => oids.find((oid) => finished.stderr.includes(oid));
    const finished = await this.#repository.remote(
      "git/fetch",
      ["fetch", ...plain, ...args, "--stdin", "lakeferry"],
      {
        doing: `fetch ${oids.length} ${what}${oids.length === 1 ? "" : "s"} from`,
        input: `${oids.join("\n")}\n`,
        config: promisor,
        unpaced,
        // A refusal that names an object that was asked for is the remote's answer about that object.
        accepted: (ended) => named(ended) !== undefined,
      },
    );
    if (finished.code === 0) return;
    throw new LakeferryError(
      `The remote ${this.#repository.address.url} has no ${what} ${named(finished)}.`,
      {
        code: "not-found",
      },
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
