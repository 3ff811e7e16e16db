import { createHash } from "node:crypto";
import type { Language } from "../../../connectors/databricks/port.ts";
import { errorFacts, type Rejection } from "../../../job/events.ts";
import type { Staged } from "../../../job/phase.ts";
import { exportFolder } from "../export/export-folder.ts";
import type { Exporter } from "../export/exporter.ts";
import type { ManifestEntry } from "../manifest/manifest-bucket.ts";
import type { RestoreWrite } from "./restore-state.ts";

interface Comparable {
  readonly entry: ManifestEntry;
  /** Absolute workspace path. */
  readonly target: string;
}

/** Exports a folder's objects, the cheapest way, and says which are what the backup recorded. */
export async function exportAndCompare(
  exporter: Exporter,
  folder: string,
  items: readonly Comparable[],
): Promise<{
  readonly equal: readonly string[];
  readonly differing: readonly string[];
  readonly rejected: readonly Rejection[];
  readonly bytes: number;
}> {
  const byPath = new Map(items.map((item) => [item.target.slice(1), item]));
  const objects = items.map(({ entry, target }) => ({
    path: target.slice(1),
    type: entry.type,
    ...(entry.language ? { language: entry.language as Language } : {}),
  }));
  const equal: string[] = [];
  const differing: string[] = [];
  let bytes = 0;
  const way = exporter.format === "SOURCE" && objects.length >= 3 ? "archive" : "single";
  const { rejected, gone } = await exportFolder(
    exporter,
    folder.slice(1),
    objects,
    way,
    async ({ object, bytes: content }) => {
      const { entry, target } = byPath.get(object.path)!;
      bytes += content.length;
      (createHash("sha256").update(content).digest("hex") === entry.sha256 ? equal : differing).push(target);
    },
  );
  differing.push(...gone.map((path) => `/${path}`));
  return {
    equal,
    differing,
    bytes,
    rejected: rejected.map(({ path, error }) => ({ item: `/${path}`, ...errorFacts(error) })),
  };
}

/** Reads back what was restored in one folder. */
export async function compareRestored(c: RestoreWrite, folder: string): Promise<Staged<null>> {
  const { state } = c;
  const items = (state.byFolder.get(folder) ?? []).filter(({ target }) => !state.failed.has(target));
  const { equal, differing, rejected, bytes } = await exportAndCompare(state.exporter, folder, items);
  for (const target of equal) state.equal.add(target);
  for (const target of differing)
    c.say({
      type: "finding",
      kind: "differs",
      item: target,
      detail: "what was read back is not what the backup has",
    });
  for (const { item } of rejected) state.failed.add(item);
  return { items: items.length, bytes, rejected, staged: null };
}
