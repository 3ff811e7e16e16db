import type { Language } from "../notebook/language.ts";
import { ApiError, alreadyExists, doesNotExist, invalid } from "../server/api-error.ts";
import { EMPTY } from "../server/reply.ts";
import { describe, type ObjectType, pathOf, type WorkspaceObject } from "./object.ts";

/** What an object is given when it is written. */
export interface Content {
  type: ObjectType;
  content: Buffer;
  language?: Language | undefined;
  jupyter?: Buffer | undefined;
}

/** Told of every path before it changes. */
export type ChangeListener = (path: string, parent: string) => void;

const FIRST_ID = 2_745_190_000_000_000;

/** The tree of one workspace, in memory. Paths are absolute; names are any text without `/`. */
export class WorkspaceTree {
  readonly root: WorkspaceObject;
  nextId = FIRST_ID;
  beforeChange: ChangeListener | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.root = this.#create(undefined, "", "DIRECTORY", now());
  }

  /** The object at a path, or `undefined`. A trailing slash is ignored. Throws 400 when the path is not absolute or has an empty, `.` or `..` part. */
  find(path: string): WorkspaceObject | undefined {
    let object: WorkspaceObject | undefined = this.root;
    for (const name of partsOf(path)) {
      object = object.children?.get(name);
      if (!object) return undefined;
    }
    return object;
  }

  /** As {@link find}; throws 404 RESOURCE_DOES_NOT_EXIST when there is nothing. */
  get(path: string): WorkspaceObject {
    const object = this.find(path);
    if (!object) throw doesNotExist(path);
    return object;
  }

  /** The body of `list`, one level, cached until something in it changes. */
  list(path: string): Buffer {
    const object = this.get(path);
    if (!object.children) return Buffer.from(JSON.stringify({ objects: [describe(object)] }));
    if (object.cache.list) return object.cache.list;
    const base = object.parent ? pathOf(object) : "";
    const objects = [...object.children.values()].map((child) => describe(child, `${base}/${child.name}`));
    const body = Buffer.from(JSON.stringify(objects.length > 0 ? { objects } : {}));
    object.cache.list = body;
    return body;
  }

  /** Creates a directory and its parents; an existing directory is returned as it is. Throws 400 when a non-directory is in the way. */
  mkdirs(path: string): WorkspaceObject {
    let object = this.root;
    for (const name of partsOf(path)) {
      let child = object.children!.get(name);
      if (!child) {
        const parent = pathOf(object);
        this.beforeChange?.(join(parent, name), parent);
        child = this.#create(object, name, "DIRECTORY", this.#now());
      }
      if (!child.children) throw alreadyExists(pathOf(child));
      object = child;
    }
    return object;
  }

  /**
   * Creates or overwrites an object; an overwritten one keeps its id and creation time. Throws 404 when the parent is missing,
   * RESOURCE_ALREADY_EXISTS when something is there and `overwrite` is not set, INVALID_PARAMETER_VALUE when it is of another type.
   */
  put(path: string, what: Content, options: { overwrite?: boolean; at?: number } = {}): WorkspaceObject {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw invalid("The root cannot be written.");
    const parentPath = `/${parts.join("/")}`;
    const parent = this.find(parentPath);
    if (!parent?.children)
      throw new ApiError(404, "RESOURCE_DOES_NOT_EXIST", `The parent folder (${parentPath}) does not exist.`);
    const at = options.at ?? this.#now();
    const existing = parent.children.get(name);
    if (existing && !options.overwrite) throw alreadyExists(path);
    if (existing && existing.type !== what.type) {
      throw invalid(
        `Cannot overwrite the asset at ${path} due to type mismatch (asked: ${what.type}, actual: ${existing.type}).`,
      );
    }
    this.beforeChange?.(join(parentPath, name), parentPath);
    const object = existing ?? this.#create(parent, name, what.type, at);
    object.content = what.content;
    object.language = what.language;
    object.jupyter = what.jupyter;
    object.modifiedAt = at;
    object.cache = {};
    delete parent.cache.list;
    return object;
  }

  /** Deletes an object. Throws 404 when it is missing, DIRECTORY_NOT_EMPTY without `recursive`. */
  remove(path: string, recursive: boolean): void {
    const object = this.get(path);
    if (!object.parent) throw invalid("The root cannot be deleted.");
    if (object.children?.size && !recursive) {
      throw new ApiError(400, "DIRECTORY_NOT_EMPTY", `Folder (${path}) is not empty.`);
    }
    this.beforeChange?.(pathOf(object), pathOf(object.parent));
    object.parent.children!.delete(object.name);
    delete object.parent.cache.list;
  }

  /** Moves an object as a rename in the workspace does: its id and its times stay. */
  rename(from: string, to: string): void {
    const object = this.get(from);
    const parts = partsOf(to);
    const name = parts.pop();
    const target = this.get(`/${parts.join("/")}`);
    if (!object.parent || name === undefined || !target.children)
      throw invalid(`${from} cannot become ${to}.`);
    if (target.children.has(name)) throw alreadyExists(to);
    for (let o: WorkspaceObject | undefined = target; o; o = o.parent) {
      if (o === object) throw invalid(`${from} cannot be moved into itself.`);
    }
    this.beforeChange?.(pathOf(object), pathOf(object.parent));
    this.beforeChange?.(join(pathOf(target), name), pathOf(target));
    object.parent.children!.delete(object.name);
    delete object.parent.cache.list;
    object.name = name;
    object.parent = target;
    target.children.set(name, object);
    delete target.cache.list;
    for (const below of this.walk(object)) below.cache = {};
  }

  /** Puts back an object that was saved, with its id and its times. */
  restore(
    parent: WorkspaceObject | undefined,
    saved: Omit<WorkspaceObject, "parent" | "children" | "cache">,
  ): WorkspaceObject {
    if (!parent) return this.root;
    const object = this.#create(parent, saved.name, saved.type, saved.createdAt, saved.id);
    const { modifiedAt, language, content, jupyter } = saved;
    return Object.assign(object, { modifiedAt, language, content, jupyter });
  }

  /** An object and everything below it, parents first, in order of creation. */
  *walk(from: WorkspaceObject = this.root): Generator<WorkspaceObject> {
    yield from;
    if (from.children) for (const child of from.children.values()) yield* this.walk(child);
  }

  /** Empties the workspace; ids are not used again. */
  clear(): void {
    this.root.children!.clear();
    this.root.cache = {};
  }

  #create(
    parent: WorkspaceObject | undefined,
    name: string,
    type: ObjectType,
    at: number,
    id?: number,
  ): WorkspaceObject {
    const object: WorkspaceObject = {
      id: id ?? this.nextId++,
      type,
      name,
      parent,
      createdAt: at,
      modifiedAt: at,
      language: undefined,
      content: EMPTY,
      jupyter: undefined,
      children: type === "DIRECTORY" ? new Map() : undefined,
      cache: {},
    };
    if (parent) {
      parent.children!.set(name, object);
      delete parent.cache.list;
    }
    return object;
  }
}

/** The names on a path, from the root down. */
export function partsOf(path: string): string[] {
  if (!path.startsWith("/")) throw invalid(`Path (${path}) doesn't start with '/'`);
  const end = path.length > 1 && path.endsWith("/") ? path.length - 1 : path.length;
  if (end <= 1) return [];
  const parts = path.slice(1, end).split("/");
  for (const part of parts) {
    if (part === "" || part === "." || part === "..") {
      throw invalid(`Path (${path}) has an empty, '.' or '..' part.`);
    }
  }
  return parts;
}

/** A name below a directory's path. */
export const join = (directory: string, name: string): string =>
  directory === "/" ? `/${name}` : `${directory}/${name}`;
