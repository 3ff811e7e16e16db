import type { Language } from "../notebook/language.ts";
import type { ZipEntry } from "../notebook/zip.ts";

export type ObjectType = "NOTEBOOK" | "FILE" | "DIRECTORY" | "DASHBOARD" | "LIBRARY" | "MLFLOW_EXPERIMENT";

/** One object of the workspace. Its path is that of its parents; only {@link WorkspaceTree} changes it. */
export interface WorkspaceObject {
  readonly id: number;
  readonly type: ObjectType;
  name: string;
  parent: WorkspaceObject | undefined;
  createdAt: number;
  /** Milliseconds; a rename leaves it alone. */
  modifiedAt: number;
  language: Language | undefined;
  /** The SOURCE bytes of a notebook, the bytes of anything else that has content. */
  content: Buffer;
  /** The exact bytes of a notebook that was imported as Jupyter. */
  jupyter: Buffer | undefined;
  /** The children of a directory by name. */
  readonly children: Map<string, WorkspaceObject> | undefined;
  /** What was computed from the content: dropped whenever the object changes. */
  cache: { list?: Buffer; sha256?: string; sourceEntry?: ZipEntry; dbcEntry?: ZipEntry };
}

/** The absolute path; `/` for the root. */
export function pathOf(object: WorkspaceObject): string {
  if (!object.parent) return "/";
  let path = "";
  for (let o: WorkspaceObject = object; o.parent; o = o.parent) path = `/${o.name}${path}`;
  return path;
}

/** The object as `get-status` and `list` describe it: a language only for notebooks, a size only for FILEs, no times for directories. */
export function describe(object: WorkspaceObject, path = pathOf(object)): Record<string, unknown> {
  const info: Record<string, unknown> = { object_type: object.type, path, object_id: object.id };
  if (object.type === "NOTEBOOK") info.language = object.language;
  if (object.type !== "DIRECTORY") {
    info.created_at = object.createdAt;
    info.modified_at = object.modifiedAt;
  }
  if (object.type === "FILE") info.size = object.content.length;
  info.resource_id = String(object.id);
  return info;
}
