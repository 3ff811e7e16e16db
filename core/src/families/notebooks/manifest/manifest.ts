import {
  BUCKETS,
  bucketOf,
  decodeBucket,
  encodeBucket,
  encodeEntry,
  folderOf,
  type ManifestEntry,
} from "./manifest-bucket.ts";

/** What most entries share with others: kept once. */
interface Kind {
  readonly type: string;
  readonly language: string | undefined;
  readonly format: string;
}

interface Folder {
  readonly path: string;
  readonly bucket: number;
  /** Row by the name in the folder. */
  readonly rows: Map<string, number>;
}

const HASHES = 52; // bytes of SHA-1 and SHA-256

/**
 * The manifest of a backup in memory: 70,000 entries in some 20 MB. Entries are taken apart into columns; what
 * comes out is made anew each time. Nothing here keeps a bucket's text or a caller's longer string alive.
 */
export class Manifest {
  readonly #folders = new Map<string, Folder>();
  readonly #buckets: Set<Folder>[] = Array.from({ length: BUCKETS }, () => new Set());
  readonly #byId = new Map<string, number>();
  readonly #dirty = new Set<number>();

  // One row per entry; rows of removed entries are used again.
  readonly #folderOf: Folder[] = [];
  readonly #names: string[] = [];
  readonly #fileFolders: string[] = [];
  readonly #fileNames: string[] = [];
  readonly #ids: string[] = [];
  readonly #kinds: Kind[] = [];
  readonly #deleted = new Map<number, string>();
  #numbers = new Float64Array(2 * 1024);
  #hashes = Buffer.alloc(HASHES * 1024);
  readonly #free: number[] = [];

  readonly #interned = new Map<string, string>();
  /** A dozen at most, the frequent ones first. */
  readonly #internedKinds: Kind[] = [];

  /** Entries, deleted ones included. */
  get size(): number {
    return this.#names.length - this.#free.length;
  }

  /** Adds a bucket as the repository has it; that makes none dirty. @throws LakeferryError `corrupt` */
  load(bytes: Uint8Array, file: string): void {
    for (const entry of decodeBucket(bytes, file)) this.#put(entry);
  }

  get(path: string): ManifestEntry | undefined {
    const row = this.#rowOf(path);
    return row === undefined ? undefined : this.#entry(row);
  }

  /** The entry of an object, under whatever path it had; a deleted one is not found. */
  byId(id: string): ManifestEntry | undefined {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : this.#entry(row);
  }

  /** The workspace folders that have entries of their own, in no promised order. */
  folders(): IterableIterator<string> {
    return this.#folders.keys();
  }

  /** The entries of one folder, not of those below it. */
  *inFolder(folder: string): IterableIterator<ManifestEntry> {
    for (const row of this.#folders.get(folder)?.rows.values() ?? []) yield this.#entry(row);
  }

  /** All entries, a folder's together. */
  *entries(): IterableIterator<ManifestEntry> {
    for (const folder of this.#folders.keys()) yield* this.inFolder(folder);
  }

  /** Path, file, blob and size of every entry that is not deleted: what counting needs, without making entries. */
  *living(): IterableIterator<{ path: string; file: string; blob: string; size: number; folder: string }> {
    for (const { path: folder, rows } of this.#folders.values()) {
      for (const row of rows.values()) {
        if (this.#deleted.has(row)) continue;
        const blob = this.#hashes.toString("hex", HASHES * row, HASHES * row + 20);
        yield {
          path: join(folder, this.#names[row]!),
          file: this.#fileOf(row),
          blob,
          size: this.#numbers[2 * row + 1]!,
          folder,
        };
      }
    }
  }

  /** Whether the path has an entry that is not deleted. */
  has(path: string): boolean {
    const row = this.#rowOf(path);
    return row !== undefined && !this.#deleted.has(row);
  }

  /** How many entries that are not deleted a folder has, and the file of one of them. */
  livingIn(folder: string): { readonly objects: number; readonly file: string | undefined } {
    let objects = 0;
    let file: string | undefined;
    for (const row of this.#folders.get(folder)?.rows.values() ?? []) {
      if (this.#deleted.has(row)) continue;
      objects += 1;
      file ??= this.#fileOf(row);
    }
    return { objects, file };
  }

  /** Entries that are not deleted, and their bytes. */
  totals(): { readonly objects: number; readonly bytes: number } {
    let objects = 0;
    let bytes = 0;
    for (const { rows } of this.#folders.values()) {
      for (const row of rows.values()) {
        if (this.#deleted.has(row)) continue;
        objects += 1;
        bytes += this.#numbers[2 * row + 1]!;
      }
    }
    return { objects, bytes };
  }

  /** Adds or replaces the entry of its path; the bucket becomes dirty when that changes anything. */
  set(entry: ManifestEntry): void {
    const before = this.get(entry.path);
    if (before && encodeEntry(before) === encodeEntry(entry)) return;
    this.#dirty.add(this.#put(entry).bucket);
  }

  /** Removes the entry of a path altogether; one that is to be kept after its object is gone is `set` with `deleted`. */
  delete(path: string): boolean {
    const row = this.#rowOf(path);
    if (row === undefined) return false;
    const folder = this.#folderOf[row]!;
    this.#forgetId(row);
    folder.rows.delete(this.#names[row]!);
    if (folder.rows.size === 0) {
      this.#folders.delete(folder.path);
      this.#buckets[folder.bucket]!.delete(folder);
    }
    this.#deleted.delete(row);
    this.#free.push(row);
    this.#dirty.add(folder.bucket);
    return true;
  }

  /** The buckets whose content may differ from the repository's, ascending. */
  dirty(): number[] {
    return [...this.#dirty].sort((a, b) => a - b);
  }

  /** Takes note that the repository has what is here now. */
  settle(): void {
    this.#dirty.clear();
  }

  /** The bytes of one bucket's file; none when no entry is left and the file is to go. */
  encode(bucket: number): Buffer {
    const entries: ManifestEntry[] = [];
    for (const folder of this.#buckets[bucket]!)
      for (const entry of this.inFolder(folder.path)) entries.push(entry);
    return encodeBucket(entries);
  }

  #rowOf(path: string): number | undefined {
    return this.#folders.get(folderOf(path))?.rows.get(path.slice(path.lastIndexOf("/") + 1));
  }

  #put(entry: ManifestEntry): Folder {
    const folder = this.#folder(folderOf(entry.path));
    const name = flat(entry.path.slice(entry.path.lastIndexOf("/") + 1));
    const known = folder.rows.get(name);
    const row = known ?? this.#free.pop() ?? this.#names.length;
    if (known !== undefined) this.#forgetId(known);
    this.#makeRoom(row);
    folder.rows.set(name, row);
    this.#folderOf[row] = folder;
    this.#names[row] = name;
    this.#fileFolders[row] = this.#intern(folderOf(entry.file));
    this.#fileNames[row] = flat(entry.file.slice(entry.file.lastIndexOf("/") + 1));
    this.#ids[row] = entry.id; // as JSON gave it: no slice
    this.#kinds[row] = this.#kind(entry);
    this.#numbers[2 * row] = entry.modified;
    this.#numbers[2 * row + 1] = entry.size;
    this.#hashes.write(entry.blob, HASHES * row, 20, "hex");
    this.#hashes.write(entry.sha256, HASHES * row + 20, 32, "hex");
    if (entry.deleted === undefined) {
      this.#deleted.delete(row);
      this.#byId.set(this.#ids[row], row);
    } else {
      this.#deleted.set(row, this.#intern(entry.deleted));
    }
    return folder;
  }

  #entry(row: number): ManifestEntry {
    const folder = this.#folderOf[row]!.path;
    const { type, language, format } = this.#kinds[row]!;
    const deleted = this.#deleted.get(row);
    const at = HASHES * row;
    return {
      path: join(folder, this.#names[row]!),
      file: this.#fileOf(row),
      id: this.#ids[row]!,
      type,
      ...(language === undefined ? {} : { language }),
      modified: this.#numbers[2 * row]!,
      size: this.#numbers[2 * row + 1]!,
      blob: this.#hashes.toString("hex", at, at + 20),
      sha256: this.#hashes.toString("hex", at + 20, at + HASHES),
      format,
      ...(deleted === undefined ? {} : { deleted }),
    };
  }

  #fileOf(row: number): string {
    return join(this.#fileFolders[row]!, this.#fileNames[row]!);
  }

  /** After a rename the same id may stand at two paths for a moment: the one set last has it. */
  #forgetId(row: number): void {
    const id = this.#ids[row]!;
    if (this.#byId.get(id) === row) this.#byId.delete(id);
  }

  #folder(path: string): Folder {
    const known = this.#folders.get(path);
    if (known) return known;
    const own = this.#intern(path);
    const folder: Folder = { path: own, bucket: bucketOf(own), rows: new Map() };
    this.#folders.set(own, folder);
    this.#buckets[folder.bucket]!.add(folder);
    return folder;
  }

  #kind({ type, language, format }: ManifestEntry): Kind {
    const isSame = (kind: Kind): boolean =>
      kind.type === type && kind.language === language && kind.format === format;
    const known = this.#internedKinds.find(isSame);
    if (known) return known;
    const kind: Kind = { type: flat(type), language: language && flat(language), format: flat(format) };
    this.#internedKinds.push(kind);
    return kind;
  }

  #intern(text: string): string {
    const known = this.#interned.get(text);
    if (known !== undefined) return known;
    const own = flat(text);
    this.#interned.set(own, own);
    return own;
  }

  #makeRoom(row: number): void {
    if (2 * row + 1 < this.#numbers.length) return;
    const rows = Math.ceil((row + 1) * 1.5);
    const numbers = new Float64Array(2 * rows);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    this.#hashes = Buffer.concat([this.#hashes], HASHES * rows);
  }
}

const scratch = Buffer.alloc(4096);

function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The same text in memory of its own: a slice would keep the string it was cut from alive. */
function flat(text: string): string {
  if (text.length < 13) return text; // V8 copies short slices anyway
  const encoding = text.isWellFormed() ? "utf8" : "utf16le"; // UTF-8 cannot hold half of a surrogate pair
  const room = text.length * 3 <= scratch.length ? scratch : Buffer.alloc(text.length * 3);
  return room.toString(encoding, 0, room.write(text, encoding));
}
