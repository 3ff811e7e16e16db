import { hash } from "node:crypto";
import { LakeferryError } from "../../job/errors.ts";
import type { LeaseStore } from "../../job/lease.ts";
import { assertSources, prepareChanges, signature } from "./committing.ts";
import { FastImport } from "./fast-import.ts";
import { assertOid } from "./objects.ts";
import type { GitReader, GitWriter, NewCommit, RefUpdate } from "./port.ts";
import type { Pushing } from "./pushing.ts";
import { type Open, Reader } from "./reader.ts";
import { assertRefName } from "./refs.ts";

export interface WriterParts {
  readonly address: string;
  readonly open: Open;
  readonly another: () => GitReader;
  readonly pushing: () => Promise<Pushing>;
  readonly leases: LeaseStore;
  readonly committer: string;
  readonly signal: AbortSignal;
}

const newline = Buffer.from("\n");

/** The writing half. See `GitWriter` for each method's contract. */
export class Writer extends Reader implements GitWriter {
  readonly leases: LeaseStore;
  readonly #parts: WriterParts;
  readonly #blobs = new Set<string>();
  /** Marks of commits of this session: fast-import finds them by no other name until they are on disk. */
  readonly #marks = new Map<string, number>();
  #fastImport: Promise<FastImport> | undefined;
  #marked = 0;
  /** Objects since the last push, and whether any of them is not on disk. */
  #unsaved = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(parts: WriterParts) {
    super(parts.address, parts.open, parts.another);
    this.#parts = parts;
    this.leases = parts.leases;
  }

  async blob(bytes: Uint8Array): Promise<string> {
    const header = Buffer.from(`blob ${bytes.length}\0`);
    const oid = hash("sha1", Buffer.concat([header, bytes]));
    if (this.#blobs.has(oid)) return oid;
    const fastImport = await this.#importer();
    if (this.#blobs.has(oid)) return oid;
    this.#blobs.add(oid);
    this.#unsaved = true;
    await fastImport.write(Buffer.from(`blob\ndata ${bytes.length}\n`), bytes, newline);
    return oid;
  }

  async newCommit(commit: NewCommit): Promise<string> {
    const { repository, fetching } = await this.#parts.open();
    commit.parents.forEach(assertOid);
    const [first, ...others] = commit.parents;
    if (first && !fetching.has(first, true)) throw notHere(first, "its tree");
    for (const other of others) if (!fetching.has(other, false)) throw notHere(other, "it");
    const { commands, puts, sources } = await prepareChanges(commit);
    const [absent] = await repository.missing([...puts].filter((oid) => !this.#blobs.has(oid)));
    if (absent)
      throw new LakeferryError(`The blob ${absent} of a new commit is not here.`, {
        code: "not-found",
        hint: "Write it with blob(), or take a file of the parent along with a move.",
      });
    const fastImport = await this.#importer();
    const dataref = (oid: string) => (this.#marks.has(oid) ? `:${this.#marks.get(oid)}` : oid);
    await assertSources(fastImport, first, first && dataref(first), sources);
    const mark = ++this.#marked;
    const committer = signature(this.#parts.committer, commit.at);
    const author = commit.author === undefined ? committer : signature(commit.author, commit.at);
    const message = Buffer.from(commit.message);
    const head = [
      `commit refs/lakeferry/work/${mark}`,
      `mark :${mark}`,
      `author ${author}`,
      `committer ${committer}`,
    ];
    // Nothing may come between the parts of a commit: they are appended without a pause.
    fastImport.append(Buffer.from(`${head.join("\n")}\ndata ${message.length}\n`), message, newline);
    const parents = [
      ...(first ? [`from ${dataref(first)}\n`] : []),
      ...others.map((oid) => `merge ${dataref(oid)}\n`),
    ];
    fastImport.append(Buffer.from(parents.join("")), ...commands, newline);
    this.#unsaved = true;
    const oid = await fastImport.ask(`get-mark :${mark}\n`);
    this.#marks.set(oid, mark);
    fetching.note(oid);
    return oid;
  }

  async newTag(tag: { name: string; target: string; message: string; at: Date }): Promise<string> {
    assertOid(tag.target);
    assertRefName(`refs/tags/${tag.name}`);
    const { repository } = await this.#parts.open();
    await this.#save();
    const head = [
      `object ${tag.target}`,
      "type commit",
      `tag ${tag.name}`,
      `tagger ${signature(this.#parts.committer, tag.at)}`,
    ];
    return repository.store("tag", Buffer.from(`${head.join("\n")}\n\n${tag.message.replace(/\n*$/, "\n")}`));
  }

  async push(updates: readonly RefUpdate[]): Promise<void> {
    await this.#save();
    const pushing = await this.#parts.pushing();
    await pushing.push(updates);
  }

  /** Ends the import; what was not pushed is gone. */
  async close(): Promise<void> {
    const fastImport = await this.#fastImport?.catch(() => undefined);
    fastImport?.close();
  }

  async #save(): Promise<void> {
    if (this.#unsaved) {
      this.#unsaved = false;
      this.#saving = this.#importer().then((fastImport) => fastImport.checkpoint());
    }
    // A save that another call began may hold what this one needs.
    await this.#saving;
  }

  #importer(): Promise<FastImport> {
    this.#fastImport ??= this.#parts
      .open()
      .then(({ repository }) => new FastImport(repository, this.#parts.signal));
    return this.#fastImport;
  }
}

function notHere(oid: string, what: string): LakeferryError {
  return new LakeferryError(`The parent ${oid} of a new commit cannot be used: ${what} was not fetched.`, {
    code: "internal",
    hint: "fetch() the parent first.",
  });
}
