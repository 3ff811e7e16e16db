import type { Language } from "../../connectors/databricks/port.ts";
import { asLakeferryError, endsRun, LakeferryError } from "../../job/errors.ts";
import { errorFacts, type Rejection } from "../../job/events.ts";
import type { Staged } from "../../job/phase.ts";
import type { RestoreWrite } from "./restore-state.ts";

export interface Importable {
  readonly target: string;
  readonly blob: string;
  readonly type: string;
  readonly language?: Language;
  /** SOURCE, JUPYTER or AUTO, as it was exported. */
  readonly format: string;
  readonly size: number;
  readonly overwrite: boolean;
}

/** The import API takes 10 MB of content; above it, the way of workspace files. */
const IMPORT_LIMIT = 10_485_760;
const EXTENSIONS: Readonly<Record<Language, string>> = {
  PYTHON: ".py",
  SQL: ".sql",
  SCALA: ".scala",
  R: ".r",
};
const IMPORTS_AT_ONCE = 8;

/** Reads the objects' blobs from the backup, all in one request, and imports each. An object that fails is named, the others go on. */
export async function importObjects(c: RestoreWrite, items: readonly Importable[]): Promise<Staged<null>> {
  const rejected: Rejection[] = [];
  const running = new Set<Promise<void>>();
  let bytes = 0;
  let index = 0;
  for await (const { bytes: content } of c.connections.backup.blobs(items.map(({ blob }) => blob))) {
    const item = items[index++]!;
    bytes += content.length;
    const task: Promise<void> = importObject(c, item, content)
      .catch((thrown) => {
        const error = asLakeferryError(thrown);
        if (endsRun(error)) throw error;
        c.state.failed.add(item.target);
        rejected.push({ item: item.target, ...errorFacts(error) });
      })
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= IMPORTS_AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  return { items: items.length - rejected.length, bytes, rejected, staged: null };
}

async function importObject(c: RestoreWrite, item: Importable, content: Buffer): Promise<void> {
  const { workspace } = c.connections.destination;
  const there = item.overwrite ? await workspace.stat(item.target) : undefined;
  if (there?.type === "DIRECTORY")
    throw new LakeferryError(`${item.target} is a folder now.`, {
      code: "conflict",
      hint: "Restore below another folder with --target.",
    });
  // Another type or language is not overwritten by the API: what is there makes room, and is in the backup's history or kept by --overwrite never.
  if (there && (there.type !== item.type || there.language !== item.language))
    await workspace.delete(item.target, { recursive: false });
  const { overwrite } = item;
  // A run that was stopped between the import and its answer finds its own object there: the check at the end tells whether it is equal.
  const once = (error: unknown) => {
    if (asLakeferryError(error).code !== "already-exists" || overwrite) throw error;
  };
  if (content.length > IMPORT_LIMIT) {
    const extension =
      item.type === "NOTEBOOK"
        ? item.format === "JUPYTER"
          ? ".ipynb"
          : EXTENSIONS[item.language ?? "PYTHON"]
        : "";
    return workspace.upload(item.target + extension, content, { overwrite }).catch(once);
  }
  if (item.type !== "NOTEBOOK")
    return workspace
      .import(item.target, content, { format: item.type === "FILE" ? "RAW" : "AUTO", overwrite })
      .catch(once);
  const language = item.format === "SOURCE" ? { language: item.language ?? ("PYTHON" as const) } : {};
  return workspace
    .import(item.target, content, { format: item.format as "SOURCE" | "JUPYTER", ...language, overwrite })
    .catch(once);
}
