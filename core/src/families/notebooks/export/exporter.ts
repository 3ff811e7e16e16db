import pLimit from "p-limit";
import type { WorkspaceReader } from "../../../connectors/databricks/port.ts";
import type { BackupFormat } from "../names/repository-names.ts";
import { ExportTrust } from "./export-trust.ts";

type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** What exports of one run share. */
export interface Exporter {
  readonly workspace: WorkspaceReader;
  readonly root: string;
  readonly format: BackupFormat;
  readonly trust: ExportTrust;
  /** Bounds the requests at work at once, over all folders. */
  readonly limit: Limit;
  warn(text: string, item: string): void;
}

export function createExporter(
  o: Pick<Exporter, "workspace" | "root" | "format" | "warn"> & { readonly concurrency: number },
): Exporter {
  return {
    ...o,
    trust: new ExportTrust(),
    limit: pLimit(o.concurrency),
  };
}
