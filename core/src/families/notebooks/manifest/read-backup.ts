import { posix } from "node:path";
import type { GitReader } from "../../../connectors/git/port.ts";
import { LakeferryError } from "../../../job/errors.ts";
import { type BackupDescription, DESCRIPTION_FILE, decodeDescription } from "./backup-description.ts";
import { Manifest } from "./manifest.ts";
import { MANIFEST_FOLDER } from "./manifest-bucket.ts";

/** A backup as it stands at a commit. */
export interface ReadBackup {
  /** Undefined: the commit (or the lack of one) holds no backup. */
  readonly description: BackupDescription | undefined;
  readonly manifest: Manifest;
  /** Blob ids of the manifest's buckets, by file. */
  readonly buckets: ReadonlyMap<string, string>;
  /** Blob ids of all files below the backup's folder, by path relative to it. */
  readonly tree: ReadonlyMap<string, string>;
}

/** A manifest that is in memory already, and the blob ids of the buckets that it is the content of. */
export type KnownManifest = Pick<ReadBackup, "manifest" | "buckets">;

/**
 * Reads manifest and tree of a commit, in a few requests and without the blobs of the notebooks.
 * @throws LakeferryError `corrupt` when the manifest cannot be read, naming file and line
 */
export async function readBackup(
  repository: GitReader,
  commit: string | undefined,
  folder: string,
  known?: KnownManifest,
): Promise<ReadBackup> {
  const manifest = new Manifest();
  const tree = new Map<string, string>();
  const buckets = new Map<string, string>();
  const none = { description: undefined, manifest, buckets, tree };
  if (commit === undefined) return none;
  await repository.fetch([commit]);
  const prefix = folder === "" ? "" : `${folder}/`;
  for await (const { path, oid } of repository.tree(commit)) {
    if (!path.startsWith(prefix)) continue;
    const file = path.slice(prefix.length);
    tree.set(file, oid);
    if (file.startsWith(MANIFEST_FOLDER)) buckets.set(file, oid);
  }
  const described = tree.get(DESCRIPTION_FILE);
  if (described === undefined) return none;
  // A blob id is its content: buckets with the ids of a known manifest hold that manifest, and need not be fetched.
  const same = known && sameBuckets(buckets, known.buckets) ? known.manifest : undefined;
  const files = same ? [] : [...buckets.keys()];
  let description: BackupDescription | undefined;
  let index = 0;
  for await (const { bytes } of repository.blobs([described, ...files.map((file) => buckets.get(file)!)])) {
    if (description === undefined) description = decodeDescription(bytes);
    else manifest.load(bytes, posix.join(folder, files[index++]!));
  }
  return { description, manifest: same ?? manifest, buckets, tree };
}

function sameBuckets(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([file, oid]) => b.get(file) === oid);
}

/**
 * The backup that a branch, a tag or an id names at the remote.
 * @throws LakeferryError `not-found` when there is no such ref, or no backup at it
 */
export async function openBackup(
  repository: GitReader,
  ref: string,
  folder: string,
): Promise<ReadBackup & { readonly commit: string; readonly description: BackupDescription }> {
  const commit = await resolveRef(repository, ref);
  const read = await readBackup(repository, commit, folder);
  if (read.description) return { ...read, description: read.description, commit };
  throw new LakeferryError(
    `${repository.address}, ${ref}: holds no backup${folder === "" ? "" : ` in the folder ${folder}`}.`,
    {
      code: "not-found",
      hint: `A backup has a file ${DESCRIPTION_FILE}. Name another --branch, --ref or --folder.`,
    },
  );
}

/**
 * The commit that a branch, a tag or an id names at the remote.
 * @throws LakeferryError `not-found`, naming what there is
 */
async function resolveRef(repository: GitReader, ref: string): Promise<string> {
  const refs = await repository.refs("refs/heads/", "refs/tags/");
  const found = [ref, `refs/tags/${ref}`, `refs/heads/${ref}`]
    .map((name) => refs.find((one) => one.name === name))
    .find((one) => one !== undefined);
  if (found) return found.peeled ?? found.oid;
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  const tags = refs
    .filter(({ name }) => name.startsWith("refs/tags/"))
    .map(({ name }) => name.slice("refs/tags/".length));
  throw new LakeferryError(`${repository.address} has no branch, tag or commit "${ref}".`, {
    code: "not-found",
    hint:
      tags.length > 0
        ? `The newest tags are ${tags.sort().slice(-5).join(", ")}.`
        : "It has no tags yet; name a branch with --branch, or a whole commit id.",
  });
}
