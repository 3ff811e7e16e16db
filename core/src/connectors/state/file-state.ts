import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { LakeferryError } from "../../job/errors.ts";
import type { StateStore } from "../../job/state.ts";

/** A state location on a disk: `file:<folder>`. Documents are written to a temporary file, synced and renamed. */
export function fileState(folder: string): StateStore {
  const root = resolve(folder);
  const at = (key: string): string => {
    const path = resolve(root, ...key.split("/"));
    if (path !== root && !path.startsWith(root + sep))
      throw new LakeferryError(`The state key ${key} leads outside ${root}.`, { code: "invalid-input" });
    return path;
  };
  return {
    location: `file:${root}`,
    async read(key) {
      return readFile(at(key)).catch(missing(undefined));
    },
    async write(key, body) {
      await mkdir(dirname(at(key)), { recursive: true });
      await writeFileAtomic(at(key), Buffer.from(body));
    },
    async append(key, body) {
      await mkdir(dirname(at(key)), { recursive: true });
      const file = await open(at(key), "a");
      try {
        await file.appendFile(body);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    async list(prefix) {
      const below = at(prefix.slice(0, prefix.lastIndexOf("/") + 1));
      const found = await readdir(below, { recursive: true, withFileTypes: true }).catch(missing([]));
      const keys = found
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
      return keys.filter((key) => key.startsWith(prefix)).sort();
    },
    async delete(key) {
      await rm(at(key), { force: true });
    },
  };
}

/** Turns "no such file" into a value; anything else is thrown on. */
function missing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return value;
    throw new LakeferryError(`The state location cannot be read: ${error.message}`, {
      code: "unavailable",
      cause: error,
      hint: "Check that the folder exists and that this user may read and write it.",
    });
  };
}
