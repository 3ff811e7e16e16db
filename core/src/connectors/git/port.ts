import type { LeaseStore } from "../../job/lease.ts";

/** A ref of the remote: `refs/heads/main`; `peeled` is the commit behind an annotated tag. */
export interface Ref {
  readonly name: string;
  readonly oid: string;
  readonly peeled?: string;
}

export interface Commit {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly committedAt: Date;
  readonly message: string;
}

/** An annotated tag. */
export interface Tag {
  readonly name: string;
  readonly target: string;
  readonly taggedAt: Date;
  readonly message: string;
}

/**
 * A file of a tree; a submodule is none. `path` is `/`-separated, raw (never quoted), and a byte of it that is not
 * UTF-8 stands as a lone surrogate (U+DC80–U+DCFF), so that it can be written back. `oid` is the blob's id.
 */
export interface TreeEntry {
  readonly path: string;
  readonly oid: string;
  readonly mode: string;
}

/** One change between two trees: `oid` is the new blob, absent for a deletion. */
export interface TreeChange {
  readonly path: string;
  readonly oid?: string;
  readonly mode?: string;
}

/**
 * A remote repository, read through a bare repository in a temporary folder: there is never a work tree. Every method
 * may throw `unauthenticated`, `forbidden`, `not-found` (the repository), `unavailable`, `timeout`, `cancelled`.
 */
export interface GitReader {
  /** The remote's address, without credentials. */
  readonly address: string;
  /** What the remote has now, below the given prefixes (`refs/heads/`); an empty repository has nothing. */
  refs(...prefixes: string[]): Promise<readonly Ref[]>;
  /**
   * Brings commits here, each without its history; without blobs where the server allows it, `trees: false` without
   * trees too (then only `commit` works). What is here already is not fetched again. One request for all of them.
   * @throws LakeferryError `not-found` for a commit that the remote does not have
   */
  fetch(commits: readonly string[], options?: { trees?: boolean }): Promise<void>;
  /** @throws LakeferryError `not-found` for a commit that was not fetched */
  commit(oid: string): Promise<Commit>;
  /** Reads an annotated tag by its own oid, fetching it when it is not here. @throws `not-found` when it is a lightweight one */
  tag(ref: Ref): Promise<Tag>;
  /** All files of a commit that was fetched with its trees, in git's order; of a folder or file, when `path` is given. */
  tree(commit: string, path?: string): AsyncIterable<TreeEntry>;
  /** The files that differ between two fetched commits. Renames are a deletion and an addition. */
  diff(from: string, to: string): AsyncIterable<TreeChange>;
  /** Contents of blobs, in the order asked; those that are not here are fetched together, in one request. @throws `not-found` */
  blobs(oids: readonly string[]): AsyncIterable<{ readonly oid: string; readonly bytes: Buffer }>;
  /**
   * A second view of the same remote that shares no object with this one, so that a check sees what the remote has.
   * Closed with the connection.
   */
  fresh(): Promise<GitReader>;
}

export type Change =
  /** Replaces what is there, be it a file or a folder. The blob was written here, or fetched by `blobs`. */
  | { readonly op: "put"; readonly path: string; readonly oid: string }
  /** Of what is not there, it does nothing. */
  | { readonly op: "delete"; readonly path: string }
  /**
   * Takes the file that is at `from` in the first parent, without needing its blob here, whatever the other changes do
   * to `from`: two files can be swapped. Nothing is left at `from` unless another change puts it there.
   */
  | { readonly op: "move"; readonly from: string; readonly to: string };

export interface NewCommit {
  /** First the commit whose tree the changes apply to; none for a first commit. */
  readonly parents: readonly string[];
  /**
   * Applied in order. Paths are raw, at most 4,096 bytes, and free of parts that a file system could take for `.git`.
   * They are gathered before the first is written, so making them may call `blob`.
   */
  readonly changes: readonly Change[] | AsyncIterable<Change> | Iterable<Change>;
  readonly message: string;
  /** `Name <email>`; default: the connection's committer. */
  readonly author?: string;
  readonly at: Date;
}

/** Asks the remote to move a ref from `from` (undefined: it must not exist) to `to` (undefined: deleted). */
export interface RefUpdate {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface GitWriter extends GitReader {
  /** Writes a blob through `git fast-import` and answers its id; waits while git is behind. Asked twice, it is written once. */
  blob(bytes: Uint8Array): Promise<string>;
  /**
   * Writes a commit on top of its first parent and answers its id. It is on no branch until it is pushed. Its parents
   * were fetched (the first one with trees) or written here. The same commit asked for twice has the same id.
   * @throws LakeferryError `invalid-input` for a path; `not-found` for a blob or a move's file that is not there
   */
  newCommit(commit: NewCommit): Promise<string>;
  /** Writes an annotated tag object and answers its id. */
  newTag(tag: { name: string; target: string; message: string; at: Date }): Promise<string>;
  /**
   * Moves refs at the remote: all of them or none (at a server that cannot do that: branches, then tags, then
   * deletions). Never forced: a branch moves forward from exactly `from`, as far as its history is here to be looked
   * at. An update that the remote has made already (`to` is there) counts as done, so that a push can be asked twice.
   * Blobs may be written while a push is at work.
   * @throws LakeferryError `conflict` when a ref is not where `from` says; `forbidden` when the remote refuses (protected branch, hook)
   */
  push(updates: readonly RefUpdate[]): Promise<void>;
  /** Leases kept as refs of the repository (`refs/lakeferry/leases/…`, or below `refs/heads/` where only that is allowed). */
  readonly leases: LeaseStore;
}

declare module "../../job/connections.ts" {
  interface Connections {
    git: Port<GitReader, GitWriter>;
  }
}
