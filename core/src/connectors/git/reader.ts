import { LakeferryError } from "../../job/errors.ts";
import type { Fetching } from "./fetching.ts";
import { assertOid, parseCommit, parseTag, readBatch, readDiff, readTree } from "./objects.ts";
import type { Commit, GitReader, Ref, Tag, TreeChange, TreeEntry } from "./port.ts";
import { listRefs } from "./refs.ts";
import type { Repository } from "./repository.ts";

/** Opens the repository when it is first needed; every later call gives the same. */
export type Open = () => Promise<{ readonly repository: Repository; readonly fetching: Fetching }>;

/** The reading half: it has no method that writes. See `GitReader` for each method's contract. */
export class Reader implements GitReader {
  readonly address: string;
  readonly #open: Open;
  readonly #another: () => GitReader;

  constructor(address: string, open: Open, another: () => GitReader) {
    this.address = address;
    this.#open = open;
    this.#another = another;
  }

  async refs(...prefixes: string[]): Promise<readonly Ref[]> {
    const { repository } = await this.#open();
    return listRefs(repository, prefixes);
  }

  async fetch(commits: readonly string[], options: { trees?: boolean } = {}): Promise<void> {
    const { fetching } = await this.#open();
    await fetching.commits(commits, options.trees ?? true);
  }

  async commit(oid: string): Promise<Commit> {
    assertOid(oid);
    const { repository } = await this.#open();
    return parseCommit(oid, await repository.object(oid, "commit"));
  }

  async tag(ref: Ref): Promise<Tag> {
    if (ref.peeled === undefined)
      throw new LakeferryError(`${ref.name} is not an annotated tag.`, {
        code: "not-found",
        hint: "It points to a commit itself; it has no message and no date of its own.",
      });
    const { repository, fetching } = await this.#open();
    if ((await repository.missing([ref.oid])).size > 0) await fetching.commits([ref.oid], false);
    return parseTag(await repository.object(ref.oid, "tag"));
  }

  async *tree(commit: string, path?: string): AsyncIterable<TreeEntry> {
    const { repository } = await this.#fetched([commit]);
    const args = ["ls-tree", "-r", "-z", "--full-tree", commit];
    yield* readTree(repository.stream(path ? [...args, "--", path.replace(/\/$/, "")] : args));
  }

  async *diff(from: string, to: string): AsyncIterable<TreeChange> {
    const { repository } = await this.#fetched([from, to]);
    yield* readDiff(
      repository.stream(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", from, to]),
    );
  }

  async *blobs(oids: readonly string[]): AsyncIterable<{ readonly oid: string; readonly bytes: Buffer }> {
    if (oids.length === 0) return;
    const { repository, fetching } = await this.#open();
    await fetching.blobs(oids);
    const input = `${oids.join("\n")}\n`;
    for await (const { oid, type, bytes } of readBatch(
      repository.stream(["cat-file", "--batch", "--buffer"], input),
    )) {
      if (!bytes || type !== "blob")
        throw new LakeferryError(`${this.address} has no blob ${oid}.`, { code: "not-found" });
      yield { oid, bytes };
    }
  }

  async fresh(): Promise<GitReader> {
    return this.#another();
  }

  async #fetched(commits: readonly string[]): ReturnType<Open> {
    commits.forEach(assertOid);
    const open = await this.#open();
    const absent = commits.find((oid) => !open.fetching.has(oid, true));
    if (absent)
      throw new LakeferryError(`The tree of ${absent} was not fetched.`, {
        code: "internal",
        hint: "fetch() it first, with its trees.",
      });
    return open;
  }
}
