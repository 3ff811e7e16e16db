import { readdir, readFile } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { invalid } from "../server/api-error.ts";
import { analysed } from "./import.ts";
import { join, type WorkspaceTree } from "./tree.ts";

/**
 * Loads a directory tree from disk into the workspace: a file with the notebook header becomes a NOTEBOOK without its
 * extension, an `.ipynb` one that keeps its bytes, everything else a FILE. The top `README.md` and `exports/` are left out.
 * What is already there is overwritten. Resolves to the number of objects that are no directories.
 */
export async function loadFolder(tree: WorkspaceTree, folder: string, at = "/"): Promise<number> {
  const load = async (directory: string, path: string, top: boolean): Promise<number> => {
    const entries = (await readdir(directory, { withFileTypes: true })).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    let loaded = 0;
    for (const entry of entries) {
      if (top && (entry.name === "README.md" || entry.name === "exports")) continue;
      const file = joinPath(directory, entry.name);
      const target = join(path, entry.name);
      if (entry.isDirectory()) {
        tree.mkdirs(target);
        loaded += await load(file, target, false);
      } else if (entry.isFile()) {
        const found = analysed(target, await readFile(file));
        tree.put(found.path, found.what, { overwrite: true });
        loaded++;
      }
    }
    return loaded;
  };
  tree.mkdirs(at);
  try {
    return await load(folder, at, true);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw invalid(`There is no folder ${folder}.`);
    throw cause;
  }
}
