import { setImmediate } from "node:timers/promises";
import type { Language } from "../../../connectors/databricks/port.ts";
import { asLakeferryError, endsRun, LakeferryError } from "../../../job/errors.ts";
import type { BackupFormat } from "../names/repository-names.ts";
import { absolute } from "../scan-workspace.ts";
import { archiveKind, readArchive } from "./archive.ts";
import { ArchiveProof } from "./archive-proof.ts";
import { notebookSource } from "./dbc.ts";
import type { Exporter } from "./exporter.ts";
import { FolderArchive } from "./folder-archive.ts";

/** What an export needs to know of an object. */
export interface ExportObject {
  /** Relative to the root. */
  readonly path: string;
  readonly type: string;
  readonly language?: Language;
  /** Bytes that the workspace listed; of files. */
  readonly size?: number;
}

export type EntryFormat = BackupFormat | "AUTO";

/** The bytes of one object. `format` is SOURCE where JUPYTER was asked for and is over the export limit. */
export interface Exported<O extends ExportObject> {
  readonly object: O;
  readonly bytes: Buffer;
  readonly format: EntryFormat;
  readonly fromArchive: boolean;
}

const TURN_BYTES = 256 * 1024;

export interface FolderResult {
  /** Objects that could not be exported, with the reason. */
  readonly rejected: readonly { readonly path: string; readonly error: LakeferryError }[];
  /** Objects that were deleted since they were listed. */
  readonly gone: readonly string[];
}

/**
 * Exports objects of one folder, by one archive or one by one, and hands each to `each` as it comes. An archive that is
 * not proven, too large, damaged or incomplete is replaced by single exports. Throws what ends a run, and what `each` throws.
 */
export async function exportFolder<O extends ExportObject>(
  exporter: Exporter,
  folder: string,
  objects: readonly O[],
  way: "archive" | "single",
  each: (exported: Exported<O>) => Promise<void>,
): Promise<FolderResult> {
  const done = new Set<O>();
  if (way === "archive" && exporter.trust.broken === undefined) {
    let sinceTurn = TURN_BYTES;
    for await (const exported of archived(exporter, folder, objects)) {
      await each(exported);
      done.add(exported.object);
      sinceTurn += exported.bytes.length;
      if (sinceTurn < TURN_BYTES) continue;
      sinceTurn = 0;
      await setImmediate(); // unpacking keeps the processor busy: answers and a cancel are heard in between
    }
  }
  const rejected: { path: string; error: LakeferryError }[] = [];
  const gone: string[] = [];
  const refused = async (object: O, thrown: unknown): Promise<undefined> => {
    const error = asLakeferryError(thrown);
    if (endsRun(error)) throw error;
    if (error.code === "not-found" && (await isGone(exporter, object))) gone.push(object.path);
    else rejected.push({ path: object.path, error });
  };
  const left = objects.filter((object) => !done.has(object));
  await Promise.all(
    left.map((object) =>
      exporter.limit(async () => {
        const exported = await exportSingle(exporter, object).catch((thrown) => refused(object, thrown));
        if (exported) await each(exported);
      }),
    ),
  );
  return { rejected, gone };
}

/** A "not found" is believed only when the object is not there: stale answers and hidden objects say the same. */
async function isGone(exporter: Exporter, object: ExportObject): Promise<boolean> {
  return (await exporter.workspace.stat(absolute(exporter.root, object.path))) === undefined;
}

/** What an archive of the folder gives and samples prove; nothing, or no more, when it cannot be used. */
async function* archived<O extends ExportObject>(
  exporter: Exporter,
  folder: string,
  objects: readonly O[],
): AsyncGenerator<Exported<O>> {
  const path = absolute(exporter.root, folder);
  try {
    const bytes = await exporter.limit(() => exporter.workspace.export(path, "SOURCE"));
    yield* new ArchiveProof(exporter, new FolderArchive(path, readArchive(bytes)), objects).proven();
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    if (endsRun(error)) throw error;
    // Over the limit, damaged, or in a form that is not known: the objects are exported one by one instead.
    if (error.code !== "too-large" && error.code !== "not-found")
      exporter.warn(
        `The folder's archive cannot be used (${error.message}); what it has not given is exported one by one.`,
        path,
      );
  }
}

const WITHOUT_OUTPUTS = "With its outputs it is over the export limit: it is kept as source, without them.";

/** One object by itself. Over the limit, a notebook is tried in smaller forms: SOURCE without outputs, then a deflated archive. */
async function exportSingle<O extends ExportObject>(exporter: Exporter, object: O): Promise<Exported<O>> {
  const path = absolute(exporter.root, object.path);
  if (object.type !== "NOTEBOOK")
    return { object, bytes: await exportFile(exporter, object, path), format: "AUTO", fromArchive: false };
  const formats: readonly BackupFormat[] = exporter.format === "JUPYTER" ? ["JUPYTER", "SOURCE"] : ["SOURCE"];
  for (const format of formats) {
    const bytes = await exporter.workspace.export(path, format).catch(unlessTooLarge);
    if (bytes) {
      if (format !== exporter.format) exporter.warn(WITHOUT_OUTPUTS, path);
      return { object, bytes, format, fromArchive: false };
    }
  }
  const archive = await exporter.workspace.export(path, "DBC").catch(unlessTooLarge);
  const entries = archive && readArchive(archive);
  if (entries?.length !== 1 || archiveKind(entries) !== "dbc") {
    throw new LakeferryError(`${path} is over the export limit of 10 MB in every format.`, {
      code: "too-large",
      hint: "Split the notebook, or clear its outputs; until then it is not in the backup.",
    });
  }
  if (exporter.format === "JUPYTER") exporter.warn(WITHOUT_OUTPUTS, path);
  return {
    object,
    bytes: notebookSource(entries[0]!.bytes, exporter.trust.blankLines),
    format: "SOURCE",
    fromArchive: true,
  };
}

/** A file's bytes, as many as the workspace says that it has; a body that was cut short on its way is asked for again. */
async function exportFile(exporter: Exporter, { size }: ExportObject, path: string): Promise<Buffer> {
  const first = await exporter.workspace.export(path, "AUTO");
  if (size === undefined || first.length === size) return first;
  const again = await exporter.workspace.export(path, "AUTO");
  const now = (await exporter.workspace.stat(path))?.size;
  if (now === undefined || again.length === now) return again;
  throw new LakeferryError(`${path} came with ${again.length} bytes instead of ${now}.`, {
    code: "corrupt",
    hint: "Run the same command again. If it stays so, look at the file in the workspace.",
  });
}

function unlessTooLarge(thrown: unknown): undefined {
  if (asLakeferryError(thrown).code !== "too-large") throw thrown;
}
