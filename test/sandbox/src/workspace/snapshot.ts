import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Language } from "../notebook/language.ts";
import { EMPTY } from "../server/reply.ts";
import type { ObjectType, WorkspaceObject } from "./object.ts";
import type { WorkspaceTree } from "./tree.ts";

interface SavedObject {
  id: number;
  parent: number;
  type: ObjectType;
  name: string;
  createdAt: number;
  modifiedAt: number;
  language?: Language;
  content?: string;
  jupyter?: string;
}

/**
 * Writes the workspace to a folder: `blobs/<xx>/<sha256>` for the contents, then `index.json`, each by a temporary file and
 * a rename. A crash leaves the previous index with all its blobs. Blobs that nothing names any more are kept.
 */
export async function saveSnapshot(tree: WorkspaceTree, folder: string): Promise<void> {
  const objects: SavedObject[] = [];
  for (const object of tree.walk()) {
    if (!object.parent) continue;
    const saved: SavedObject = {
      id: object.id,
      parent: object.parent.id,
      type: object.type,
      name: object.name,
      createdAt: object.createdAt,
      modifiedAt: object.modifiedAt,
    };
    if (object.language) saved.language = object.language;
    if (object.content.length > 0) saved.content = await saveBlob(folder, object.content);
    if (object.jupyter) saved.jupyter = await saveBlob(folder, object.jupyter);
    objects.push(saved);
  }
  const index = { version: 1, root: tree.root.id, nextId: tree.nextId, objects };
  await replaceFile(join(folder, "index.json"), Buffer.from(JSON.stringify(index)));
}

/** Loads what {@link saveSnapshot} wrote into an empty tree. Resolves to false when the folder has no index. */
export async function loadSnapshot(tree: WorkspaceTree, folder: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(join(folder, "index.json"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const index = JSON.parse(text) as { version: number; root: number; nextId: number; objects: SavedObject[] };
  if (index.version !== 1)
    throw new Error(`The snapshot in ${folder} has the unknown version ${index.version}.`);
  const byId = new Map<number, WorkspaceObject>([[index.root, tree.root]]);
  const blob = async (hash: string | undefined) =>
    hash === undefined ? undefined : readFile(join(folder, "blobs", hash.slice(0, 2), hash));
  for (const { parent, ...saved } of index.objects) {
    const object = tree.restore(byId.get(parent)!, {
      ...saved,
      language: saved.language,
      content: (await blob(saved.content)) ?? EMPTY,
      jupyter: await blob(saved.jupyter),
    });
    byId.set(saved.id, object);
  }
  tree.nextId = index.nextId;
  return true;
}

async function saveBlob(folder: string, content: Buffer): Promise<string> {
  const hash = createHash("sha256").update(content).digest("hex");
  const file = join(folder, "blobs", hash.slice(0, 2), hash);
  try {
    await access(file);
  } catch {
    await replaceFile(file, content);
  }
  return hash;
}

async function replaceFile(file: string, content: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, file);
}
