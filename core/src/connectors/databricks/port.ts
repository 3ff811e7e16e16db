/**
 * An object of the workspace, as `GET /api/2.0/workspace/list` tells it.
 * https://docs.databricks.com/api/workspace/workspace/list
 */
export interface WorkspaceObject {
  /** Absolute, `/`-separated, any characters but `/`. */
  readonly path: string;
  /** Survives a rename. */
  readonly objectId: string;
  /** NOTEBOOK, FILE, DIRECTORY, LIBRARY, REPO, DASHBOARD, MLFLOW_EXPERIMENT, or what a later API adds. */
  readonly type: string;
  /** PYTHON, SQL, SCALA or R; notebooks only. */
  readonly language?: string;
  /** Milliseconds since 1970; directories have none. */
  readonly modifiedAt?: number;
  /** Bytes; files only. */
  readonly size?: number;
}

export type ExportFormat = "SOURCE" | "JUPYTER" | "DBC" | "AUTO";
export type ImportFormat = "SOURCE" | "JUPYTER" | "DBC" | "AUTO" | "RAW";
export type Language = "PYTHON" | "SQL" | "SCALA" | "R";

/** The reading half of the Workspace API. Every method may throw `unauthenticated`, `forbidden`, `throttled`, `unavailable`, `timeout`, `cancelled`. */
export interface WorkspaceReader {
  /**
   * The direct children of a folder, all pages of them, in no promised order.
   * @throws LakeferryError `not-found` when the path does not exist
   */
  list(path: string): Promise<readonly WorkspaceObject[]>;
  /** One object, or undefined when there is none. */
  stat(path: string): Promise<WorkspaceObject | undefined>;
  /**
   * The bytes of one object, or of a folder as an archive (SOURCE, AUTO and DBC only; look at the bytes to know
   * which kind). A body shorter than announced is retried, never returned.
   * @throws LakeferryError `not-found`; `too-large` over the export limit (10,485,760 bytes);
   *   `not-supported` for an object that cannot be exported
   */
  export(path: string, format: ExportFormat): Promise<Buffer>;
}

/** The writing half. */
export interface WorkspaceWriter extends WorkspaceReader {
  /** Makes a folder and its parents; does nothing when it is there. @throws `already-exists` when a non-folder is in the way */
  mkdirs(path: string): Promise<void>;
  /**
   * Writes one object. Asked twice with `overwrite`, the result is the same; without, the second is refused.
   * @throws LakeferryError `not-found` when the folder is missing; `already-exists` without `overwrite`;
   *   `too-large` over the import limit (10 MB)
   */
  import(
    path: string,
    content: Uint8Array,
    options: { format: ImportFormat; language?: Language; overwrite: boolean },
  ): Promise<void>;
  /**
   * Writes a file, or a notebook by its header line, of up to 500 MB by `POST /api/2.0/workspace-files/import-file`
   * (the way the Databricks CLI takes). A notebook loses the extension of `path`.
   * @throws as `import`
   */
  upload(path: string, content: Uint8Array, options: { overwrite: boolean }): Promise<void>;
  /** Deletes an object, or a folder with all in it when `recursive`. Missing is done. */
  delete(path: string, options: { recursive: boolean }): Promise<void>;
}

/** Requests per second per workspace, where it is known (secondary sources; there is no published list). */
export const PUBLISHED_RATES = { "workspace/export": 60, "workspace/import": 30 } as const;

export interface DatabricksReader {
  /** The workspace, without credentials: `https://adb-1.2.azuredatabricks.net`. */
  readonly host: string;
  readonly workspace: WorkspaceReader;
}

export interface DatabricksWriter extends DatabricksReader {
  readonly workspace: WorkspaceWriter;
}

declare module "../../job/connections.ts" {
  interface Connections {
    databricks: Port<DatabricksReader, DatabricksWriter>;
  }
}
