import type { Language, WorkspaceReader } from "../../connectors/databricks/port.ts";
import { asLakeferryError, endsRun, LakeferryError } from "../../job/errors.ts";
import { archiveKind, readArchive } from "./archive.ts";
import { notebookSource } from "./dbc.ts";
import type { ExportTrust } from "./export-trust.ts";
import { FolderArchive } from "./folder-archive.ts";
import type { BackupFormat } from "./repository-names.ts";
import { absolute } from "./scan-workspace.ts";

/** What an export needs to know of an object. */
export interface ExportObject {
  /** Relative to the root. */
  readonly path: string;
  readonly type: string;
  readonly language?: Language;
}

export type EntryFormat = BackupFormat | "AUTO";

/** The bytes of one object. `format` is SOURCE where JUPYTER was asked for and is over the export limit. */
export interface Exported<O extends ExportObject> {
  readonly object: O;
  readonly bytes: Buffer;
  readonly format: EntryFormat;
  readonly fromArchive: boolean;
}

export interface Exporter {
  readonly workspace: WorkspaceReader;
  readonly root: string;
  readonly format: BackupFormat;
  readonly trust: ExportTrust;
  /** Bounds the requests at work at once, over all folders. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>;
  warn(text: string, item: string): void;
}

export interface FolderResult {
  /** Objects that could not be exported, with the reason. */
  readonly rejected: readonly { readonly path: string; readonly error: LakeferryError }[];
  /** Objects that were deleted since they were listed. */
  readonly gone: readonly string[];
}

/**
 * Exports objects of one folder, by one archive or one by one, and hands each to `each` as it comes. An archive that is
 * not proven, too large, damaged or incomplete is replaced by single exports. Throws only what ends a run.
 */
export async function exportFolder<O extends ExportObject>(
  exporter: Exporter,
  folder: string,
  objects: readonly O[],
  way: "archive" | "single",
  each: (exported: Exported<O>) => Promise<void>,
): Promise<FolderResult> {
  let left: readonly O[] = objects;
  if (way === "archive" && exporter.trust.broken === undefined) {
    const found = await fromArchive(exporter, folder, objects);
    for (const exported of found) await each(exported);
    const done = new Set(found.map(({ object }) => object));
    left = objects.filter((object) => !done.has(object));
  }
  const rejected: { path: string; error: LakeferryError }[] = [];
  const gone: string[] = [];
  await Promise.all(
    left.map((object) =>
      exporter.limit(async () => {
        try {
          await each(await exportSingle(exporter, object));
        } catch (thrown) {
          const error = asLakeferryError(thrown);
          if (endsRun(error)) throw error;
          if (error.code === "not-found") gone.push(object.path);
          else rejected.push({ path: object.path, error });
        }
      }),
    ),
  );
  return { rejected, gone };
}

/** What an archive of the folder gives and samples prove; nothing when it cannot be used. */
async function fromArchive<O extends ExportObject>(
  exporter: Exporter,
  folder: string,
  objects: readonly O[],
): Promise<readonly Exported<O>[]> {
  const path = absolute(exporter.root, folder);
  const found: Exported<O>[] = [];
  let archive: FolderArchive;
  try {
    const bytes = await exporter.limit(() => exporter.workspace.export(path, "SOURCE"));
    archive = new FolderArchive(path, readArchive(bytes));
    for (const object of objects) {
      const content = archive.find(object, exporter.trust.blankLines);
      const format = object.type === "NOTEBOOK" ? "SOURCE" : "AUTO";
      if (content) found.push({ object, bytes: content, format, fromArchive: true });
    }
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    if (endsRun(error)) throw error;
    // Over the limit, damaged, or in a form that is not known: the objects are exported one by one instead.
    if (error.code !== "too-large" && error.code !== "not-found")
      exporter.warn(
        `The folder's archive cannot be used (${error.message}); its objects are exported one by one.`,
        path,
      );
    return [];
  }
  return (await prove(exporter, archive, found)) ? found : [];
}

/** Exports samples one by one and compares. False: the archive is not what the single exports are. */
async function prove<O extends ExportObject>(
  exporter: Exporter,
  archive: FolderArchive,
  found: Exported<O>[],
): Promise<boolean> {
  const { trust } = exporter;
  const notebooks = found.filter(({ object }) => object.type === "NOTEBOOK");
  const samples = new Set(trust.samples(notebooks.map(({ object }) => object)));
  if (archive.kind === "dbc" && !trust.blankLinesKnown) {
    const telling = notebooks.find(({ object }) => archive.tellsBlankLines(object));
    if (telling) samples.add(telling.object);
  }
  for (const object of samples) {
    const index = found.findIndex((one) => one.object === object);
    let single: Buffer;
    try {
      single = await exporter.limit(() =>
        exporter.workspace.export(absolute(exporter.root, object.path), "SOURCE"),
      );
    } catch (thrown) {
      const error = asLakeferryError(thrown);
      if (endsRun(error)) throw error;
      continue; // it cannot be exported by itself: that proves nothing either way
    }
    if (archive.kind === "dbc" && !trust.blankLinesKnown && archive.tellsBlankLines(object)) {
      const bare = archive.find(object, "bare");
      trust.blankLinesAre(bare?.equals(single) ? "bare" : "spaced");
      if (trust.blankLines === "bare")
        for (const [i, one] of found.entries())
          found[i] = { ...one, bytes: archive.find(one.object, "bare") ?? one.bytes };
    }
    if (found[index]!.bytes.equals(single)) trust.proven(object.language);
    else {
      // The notebook may have been edited between the two requests: only a second look tells.
      const again = await exporter.limit(() =>
        exporter.workspace.export(absolute(exporter.root, object.path), "SOURCE"),
      );
      found[index] = { ...found[index]!, bytes: again, fromArchive: false };
      if (!again.equals(single)) continue;
      trust.disproved(object.path);
      exporter.warn(
        "The folder's archive does not equal the single export; from here on every object is exported by itself.",
        absolute(exporter.root, object.path),
      );
      return false;
    }
  }
  return trust.broken === undefined;
}

/** One object by itself. Over the limit, a notebook is tried in smaller forms: SOURCE without outputs, then a deflated archive. */
async function exportSingle<O extends ExportObject>(exporter: Exporter, object: O): Promise<Exported<O>> {
  const path = absolute(exporter.root, object.path);
  if (object.type !== "NOTEBOOK")
    return {
      object,
      bytes: await exporter.workspace.export(path, "AUTO"),
      format: "AUTO",
      fromArchive: false,
    };
  const formats: readonly BackupFormat[] = exporter.format === "JUPYTER" ? ["JUPYTER", "SOURCE"] : ["SOURCE"];
  for (const format of formats) {
    const bytes = await exporter.workspace.export(path, format).catch(unlessTooLarge);
    if (bytes) {
      if (format !== exporter.format)
        exporter.warn(
          "With its outputs it is over the export limit: it is kept as source, without them.",
          path,
        );
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
  return {
    object,
    bytes: notebookSource(entries[0]!.bytes, exporter.trust.blankLines),
    format: "SOURCE",
    fromArchive: true,
  };
}

function unlessTooLarge(thrown: unknown): undefined {
  if (asLakeferryError(thrown).code !== "too-large") throw thrown;
}
