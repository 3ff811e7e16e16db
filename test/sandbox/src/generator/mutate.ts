import { random, sample } from "../random.ts";
import { invalid } from "../server/api-error.ts";
import { pathOf, type WorkspaceObject } from "../workspace/object.ts";
import { join, type WorkspaceTree } from "../workspace/tree.ts";
import { PERIOD } from "./generate.ts";
import { Writer } from "./writer.ts";

export interface MutateOptions {
  seed?: number;
  /** Notebooks that get new content and a new modification time. */
  changed?: number;
  deleted?: number;
  /** Notebooks that get a new name; id and modification time stay. */
  renamed?: number;
  /** New notebooks, beside existing ones. */
  added?: number;
}

/** The paths that were touched; `renamed` as pairs of old and new. */
export interface Mutation {
  changed: string[];
  deleted: string[];
  renamed: [string, string][];
  added: string[];
}

const DAY = 86_400_000;

/** Changes, deletes, renames and adds notebooks, no notebook twice; the same tree and seed give the same mutation. */
export function mutate(tree: WorkspaceTree, options: MutateOptions): Mutation {
  const { seed = 1, changed = 0, deleted = 0, renamed = 0, added = 0 } = options;
  for (const n of [changed, deleted, renamed, added]) {
    if (!Number.isInteger(n) || n < 0) throw invalid("mutate takes whole numbers from 0 on.");
  }
  const notebooks = [...tree.walk()].filter((object) => object.type === "NOTEBOOK" && !object.jupyter);
  const wanted = changed + deleted + renamed;
  if (wanted > notebooks.length || (added > 0 && notebooks.length === 0)) {
    throw invalid(`mutate needs ${wanted} notebooks, the workspace has ${notebooks.length}.`);
  }
  const chosen = sample(notebooks, Math.max(wanted, 1), random(`mutate ${seed}`));
  const beside = chosen[0];
  const latest = notebooks.reduce((at, object) => Math.max(at, object.modifiedAt), PERIOD.end);
  const writer = new Writer(`mutate ${seed}`);
  let at = latest + DAY;
  const write = (path: string, object?: WorkspaceObject) => {
    const content = writer.notebook(`${path} ${at}`, { language: object?.language });
    tree.put(path, content, { overwrite: true, at: at++ });
    return path;
  };
  const result: Mutation = { changed: [], deleted: [], renamed: [], added: [] };
  for (const object of chosen.splice(0, changed)) result.changed.push(write(pathOf(object), object));
  const folder = beside?.parent ? pathOf(beside.parent) : "/";
  for (const object of chosen.splice(0, deleted)) {
    result.deleted.push(pathOf(object));
    tree.remove(pathOf(object), false);
  }
  for (const object of chosen.splice(0, renamed)) {
    const from = pathOf(object);
    const to = join(pathOf(object.parent!), `${object.name.slice(0, 180)}_renamed_${seed}`);
    tree.rename(from, to);
    result.renamed.push([from, to]);
  }
  for (let i = 0; i < added; i++) result.added.push(write(join(folder, `added_${seed}_${i + 1}`)));
  return result;
}
