import { LakeferryError } from "../../job/errors.ts";
import type { ApiRequest } from "./api.ts";
import { encodeAsOneSegment } from "./encode-path.ts";
import type { ImportFormat, Language, WorkspaceWriter } from "./port.ts";
import { HttpWorkspaceReader } from "./workspace-reader.ts";

const API = "/api/2.0/workspace";

/** Milliseconds until an upload of up to 500 MB is acknowledged. */
const UPLOAD_TIMEOUT_MS = 10 * 60_000;

/** The writing half of the Workspace API. */
export class HttpWorkspaceWriter extends HttpWorkspaceReader implements WorkspaceWriter {
  /**
   * Makes a folder and its parents. A folder that is there is done; asked twice, the second does nothing. Aborted, the
   * folder may be there.
   * https://docs.databricks.com/api/workspace/workspace/mkdirs
   * @throws LakeferryError `already-exists` when something else has this path or a parent's
   */
  async mkdirs(path: string): Promise<void> {
    await this.api.json({
      ...creating("workspace/mkdirs", `making the folder ${path}`, path),
      path: `${API}/mkdirs`,
      json: { path },
      idempotent: true,
    });
  }

  /**
   * Writes one object; asked twice with `overwrite`, the result is the same. Without, a retry could meet what its own
   * first attempt wrote, so an unclear failure is not retried. `language` is needed for SOURCE. Aborted, it may be
   * written or not, never in part.
   * https://docs.databricks.com/api/workspace/workspace/import
   * @throws LakeferryError `not-found` when the folder is missing; `already-exists` without `overwrite`; `too-large`
   */
  async import(
    path: string,
    content: Uint8Array,
    options: { format: ImportFormat; language?: Language; overwrite: boolean },
  ): Promise<void> {
    const { format, language, overwrite } = options;
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    await this.api.json({
      ...creating("workspace/import", `import of ${path}`, path),
      path: `${API}/import`,
      json: { path, format, ...(language ? { language } : {}), overwrite, content: bytes.toString("base64") },
      idempotent: overwrite,
    });
  }

  /**
   * Writes a file, or a notebook by its header line, of up to 500 MB. Retried, missing, there already and aborted: as
   * `import`. The endpoint is not in the public reference; the Databricks CLI writes files by it
   * (databricks/cli, libs/filer/workspace_files_client.go), with the whole path as one encoded segment.
   * @throws LakeferryError as `import`
   */
  async upload(path: string, content: Uint8Array, options: { overwrite: boolean }): Promise<void> {
    await this.api.json({
      ...creating("workspace-files/import-file", `upload of ${path}`, path),
      path: `/api/2.0/workspace-files/import-file/${encodeAsOneSegment(path)}?overwrite=${options.overwrite}`,
      body: content,
      idempotent: options.overwrite,
      headersTimeoutMs: UPLOAD_TIMEOUT_MS,
    });
  }

  /**
   * Deletes an object, or a folder with all in it when `recursive`. What is missing is done, so asked twice it does
   * nothing. Not atomic: aborted or failed, a folder may be half empty.
   * https://docs.databricks.com/api/workspace/workspace/delete
   * @throws LakeferryError `conflict` for a folder that is not empty, without `recursive`
   */
  async delete(path: string, options: { recursive: boolean }): Promise<void> {
    try {
      await this.api.json({
        endpoint: "workspace/delete",
        method: "POST",
        path: `${API}/delete`,
        json: { path, recursive: options.recursive },
        idempotent: true,
        what: `deletion of ${path}`,
        does: "delete",
        needs: `Can Manage on ${path}`,
      });
    } catch (error) {
      if (error instanceof LakeferryError && error.code === "not-found") return;
      throw error;
    }
  }
}

function creating(endpoint: string, what: string, path: string) {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  return {
    endpoint,
    method: "POST",
    what,
    does: "create",
    needs: `Can Edit on ${folder}`,
  } as const satisfies Partial<ApiRequest>;
}
