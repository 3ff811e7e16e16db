import { ApiError } from "../server/api-error.ts";
import { errorReply, json, jsonBytes, type Reply } from "../server/reply.ts";
import { describe, type WorkspaceObject } from "./object.ts";
import type { WorkspaceTree } from "./tree.ts";

const LIST = "GET /api/2.0/workspace/list";
const STATUS = "GET /api/2.0/workspace/get-status";
const EXPORT = "GET /api/2.0/workspace/export";

/** Keeps, while a `stale` rule is installed, what each read of a changed path answered before the change; each is served once. */
export class StaleReads {
  readonly #lists = new Map<string, Buffer>();
  readonly #objects = new Map<string, WorkspaceObject | undefined>();
  readonly #seen = new Set<string>();

  /** Starts watching a tree. */
  watch(tree: WorkspaceTree): void {
    tree.beforeChange = (path, parent) => {
      this.#lists.set(parent, tree.list(parent));
      const object = tree.find(path);
      this.#objects.set(path, object ? { ...object, cache: {} } : undefined);
      for (const endpoint of [STATUS, EXPORT]) this.#seen.delete(endpoint + path);
    };
  }

  /** Stops watching and forgets. */
  stop(tree: WorkspaceTree): void {
    tree.beforeChange = undefined;
    this.#lists.clear();
    this.#objects.clear();
    this.#seen.clear();
  }

  /** Has this read a previous answer that was not served yet? */
  has(endpoint: string, path: string): boolean {
    if (endpoint === LIST) return this.#lists.has(path);
    if (endpoint !== STATUS && endpoint !== EXPORT) return false;
    return this.#objects.has(path) && !this.#seen.has(endpoint + path);
  }

  /** The previous answer of a read, or `undefined` when there is none left. `exporting` exports a previous version. */
  take(endpoint: string, path: string, exporting: (previous: WorkspaceObject) => Reply): Reply | undefined {
    if (!this.has(endpoint, path)) return undefined;
    if (endpoint === LIST) {
      const body = this.#lists.get(path);
      this.#lists.delete(path);
      return body && jsonBytes(body);
    }
    this.#seen.add(endpoint + path);
    const previous = this.#objects.get(path);
    if (!previous) {
      return errorReply(new ApiError(404, "RESOURCE_DOES_NOT_EXIST", `Path (${path}) doesn't exist.`));
    }
    return endpoint === STATUS ? json(describe(previous)) : exporting(previous);
  }
}
