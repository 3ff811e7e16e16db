import { LakeferryError } from "../../job/errors.ts";
import type { Api, ApiRequest } from "./api.ts";
import { encodeSegments } from "./encode-path.ts";
import { exportedBytes } from "./exported-bytes.ts";
import type { ExportFormat, WorkspaceObject, WorkspaceReader } from "./port.ts";

const API = "/api/2.0/workspace";

/** Milliseconds until an export begins to answer: a folder is packed first. */
const EXPORT_TIMEOUT_MS = 5 * 60_000;

/** The reading half of the Workspace API, and nothing else: a plan or a dry run that holds this cannot write. */
export class HttpWorkspaceReader implements WorkspaceReader {
  protected readonly api: Api;

  constructor(api: Api) {
    this.api = api;
  }

  /**
   * Direct children of a folder, every page of them: an empty page with a next page's token does not end the list.
   * A path that is no folder lists as the object itself, as the API has it. Asked twice, it asks twice. Aborted, it
   * throws `cancelled`.
   * https://docs.databricks.com/api/workspace/workspace/list
   * @throws LakeferryError `not-found` when the path does not exist, or must not be seen
   */
  async list(path: string): Promise<readonly WorkspaceObject[]> {
    const objects: WorkspaceObject[] = [];
    const first = `${API}/list?path=${encodeSegments(path)}`;
    let token: string | undefined;
    do {
      const page = await this.#page(path, token ? `${first}&page_token=${encodeURIComponent(token)}` : first);
      for (const object of page.objects) objects.push(workspaceObject(object));
      if (page.next !== undefined && page.next === token)
        throw new LakeferryError(`list of ${path}: the service names the same next page again and again.`, {
          code: "corrupt",
        });
      token = page.next;
    } while (token !== undefined);
    return objects;
  }

  async #page(path: string, url: string) {
    const { objects, next_page_token: next } = await this.api.json(
      this.#get(url, "workspace/list", `list of ${path}`, path),
    );
    return {
      objects: Array.isArray(objects) ? (objects as ObjectFields[]) : [],
      next: typeof next === "string" && next !== "" ? next : undefined,
    };
  }

  #get(path: string, endpoint: string, what: string, on: string): ApiRequest {
    return {
      endpoint,
      method: "GET",
      path,
      idempotent: true,
      what,
      does: "read",
      needs: `Can Read on ${on}`,
    };
  }

  /**
   * One object; undefined when there is none, or when it must not be seen. Aborted, it throws `cancelled`.
   * https://docs.databricks.com/api/workspace/workspace/getstatus
   */
  async stat(path: string): Promise<WorkspaceObject | undefined> {
    const url = `${API}/get-status?path=${encodeSegments(path)}`;
    try {
      const fields = await this.api.json(this.#get(url, "workspace/get-status", `status of ${path}`, path));
      return workspaceObject(fields as unknown as ObjectFields);
    } catch (error) {
      if (error instanceof LakeferryError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  /**
   * The exported bytes, as they are (`direct_download`): of a notebook, a file, or a folder as an archive in SOURCE,
   * AUTO and DBC. The whole export is held in memory; the service limits it to 10,485,760 bytes. A body shorter than
   * announced is a retryable `unavailable`. Asked twice, the bytes of an archive may differ, its content not.
   * https://docs.databricks.com/api/workspace/workspace/export
   * @throws LakeferryError `not-found`; `too-large`; `not-supported` for what cannot be exported in this format
   */
  export(path: string, format: ExportFormat): Promise<Buffer> {
    const request: ApiRequest = {
      endpoint: "workspace/export",
      method: "GET",
      path: `${API}/export?path=${encodeSegments(path)}&format=${format}&direct_download=true`,
      idempotent: true,
      what: `export of ${path}`,
      does: "export",
      needs: `Can Read on ${path}`,
      headersTimeoutMs: EXPORT_TIMEOUT_MS,
    };
    return this.api.call(request, (answer) => exportedBytes(request, path, answer));
  }
}

interface ObjectFields {
  readonly path: string;
  readonly object_type: string;
  readonly object_id: string | number;
  readonly language?: string;
  readonly modified_at?: number;
  readonly size?: number;
}

function workspaceObject(fields: ObjectFields): WorkspaceObject {
  const object: { -readonly [K in keyof WorkspaceObject]: WorkspaceObject[K] } = {
    path: fields.path,
    objectId: String(fields.object_id),
    type: fields.object_type,
  };
  if (fields.language !== undefined) object.language = fields.language;
  // Folders of some workspaces carry a time all the same; it says nothing about what is in them.
  if (fields.modified_at !== undefined && fields.object_type !== "DIRECTORY")
    object.modifiedAt = fields.modified_at;
  if (fields.size !== undefined && fields.object_type === "FILE") object.size = fields.size;
  return object;
}
