import { createHash } from "node:crypto";
import type { Language, WorkspaceWriter } from "../../../connectors/databricks/port.ts";
import { asLakeferryError, endsRun, LakeferryError } from "../../../job/errors.ts";
import { errorFacts, type Rejection } from "../../../job/events.ts";
import type { Staged } from "../../../job/phase.ts";
import { sourceExtension } from "../names/languages.ts";
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
const IMPORTS_AT_ONCE = 8;

/**
 * Reads the objects' blobs from the backup, all in one request, and imports each. An object that fails is named, the
 * others go on; after an error that ends the run none is begun, and those at work are waited for.
 */
export async function importObjects(c: RestoreWrite, items: readonly Importable[]): Promise<Staged<null>> {
  const rejected: Rejection[] = [];
  const running = new Set<Promise<void>>();
  let failure: LakeferryError | undefined;
  let bytes = 0;
  let index = 0;
  const failed = (item: Importable, thrown: unknown) => {
    const error = asLakeferryError(thrown);
    if (endsRun(error)) {
      failure ??= error;
      return;
    }
    c.state.failed.add(item.target);
    rejected.push({ item: item.target, ...errorFacts(error) });
  };
  try {
    for await (const { bytes: content } of c.connections.backup.blobs(items.map(({ blob }) => blob))) {
      if (failure) break;
      const item = items[index++]!;
      bytes += content.length;
      const task: Promise<void> = importObject(c, item, content)
        .catch((thrown) => failed(item, thrown))
        .finally(() => running.delete(task));
      running.add(task);
      if (running.size >= IMPORTS_AT_ONCE) await Promise.race(running);
    }
  } catch (thrown) {
    failure ??= asLakeferryError(thrown);
  }
  await Promise.all(running);
  if (failure) throw failure;
  return { items: items.length - rejected.length, bytes, rejected, staged: null };
}

async function importObject(c: RestoreWrite, item: Importable, content: Buffer): Promise<void> {
  const { workspace } = c.connections.destination;
  const { target, overwrite } = item;
  const there = overwrite ? await workspace.stat(target) : undefined;
  if (there?.type === "DIRECTORY")
    throw new LakeferryError(`${target} is a folder now.`, {
      code: "conflict",
      hint: "Restore below another folder with --target.",
    });
  if (there && (there.type !== item.type || there.language !== item.language)) {
    await tryBeside(workspace, item, content);
    await workspace.delete(target, { recursive: false });
  }
  try {
    await write(workspace, item, content, target, overwrite);
  } catch (thrown) {
    // A run that was stopped between the import and its answer finds its own object there: the check at the end tells whether it is equal.
    if (asLakeferryError(thrown).code !== "already-exists" || overwrite) throw thrown;
  }
}

/**
 * The API does not overwrite an object of another type or language: what is there must make room first, and an import
 * that is refused then leaves nothing. So the import is tried under a name beside it, with the same content and rights.
 * To export what is there and put it back instead would fail where it counts: over the export limit, or when the cause
 * of the refusal is of the workspace. The name follows from the target, and is free again before anything is deleted:
 * what a killed run left of it, the next one overwrites and removes.
 */
async function tryBeside(workspace: WorkspaceWriter, item: Importable, content: Buffer): Promise<void> {
  const slash = item.target.lastIndexOf("/");
  const name = item.target.slice(slash + 1);
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  // The end of the name stays: what an import makes of a file hangs on its extension.
  const trial = `${item.target.slice(0, slash)}/lakeferry-trial-${hash}-${[...name].slice(-40).join("")}`;
  await write(workspace, item, content, trial, true);
  await workspace.delete(trial, { recursive: false });
}

async function write(
  workspace: WorkspaceWriter,
  item: Importable,
  content: Buffer,
  path: string,
  overwrite: boolean,
): Promise<void> {
  if (content.length > IMPORT_LIMIT) {
    const extension =
      item.type === "NOTEBOOK" ? (item.format === "JUPYTER" ? ".ipynb" : sourceExtension(item.language)) : "";
    return workspace.upload(path + extension, content, { overwrite });
  }
  if (item.type !== "NOTEBOOK") {
    const format = item.type === "FILE" ? "RAW" : "AUTO";
    return workspace.import(path, content, { format, overwrite });
  }
  const language = item.format === "SOURCE" ? { language: item.language ?? ("PYTHON" as const) } : {};
  const format = item.format as "SOURCE" | "JUPYTER";
  return workspace.import(path, content, { format, ...language, overwrite });
}
