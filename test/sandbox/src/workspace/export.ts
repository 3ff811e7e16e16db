import { encodeNotebook } from "../notebook/dbc.ts";
import { encodeJupyter } from "../notebook/jupyter.ts";
import { spelling } from "../notebook/language.ts";
import { type ZipEntry, zip, zipEntry, zipSize } from "../notebook/zip.ts";
import { ApiError, invalid, notImplemented } from "../server/api-error.ts";
import { type ApiRequest, bytes, json, type Reply } from "../server/reply.ts";
import type { Settings } from "../server/settings.ts";
import { pathOf, type WorkspaceObject } from "./object.ts";
import { flag } from "./parameters.ts";

interface Exported {
  content: Buffer;
  fileType: string;
}

const FORMATS = new Set(["SOURCE", "HTML", "JUPYTER", "DBC", "AUTO", "RAW", "R_MARKDOWN"]);

/** `GET /api/2.0/workspace/export` of an object that was found. Throws 400 when its type or size does not allow the format. */
export function exportObject(object: WorkspaceObject, request: ApiRequest, settings: Settings): Reply {
  const format = request.query.get("format") ?? "SOURCE";
  if (!FORMATS.has(format)) throw invalid(`Unknown export format ${format}.`);
  if (format === "HTML" || format === "R_MARKDOWN") throw notImplemented(`export in the format ${format}`);
  const direct = flag(request.query.get("direct_download"), "direct_download");
  const { content, fileType } =
    object.type === "DIRECTORY" ? exportDirectory(object, format, settings) : exportOne(object, format);
  if (direct && object.type === "FILE") {
    if (content.length > settings.downloadLimit) throw fileTooLarge(content.length, settings.downloadLimit);
  } else if (content.length > settings.contentLimit) {
    throw object.type === "FILE"
      ? fileTooLarge(content.length, settings.contentLimit)
      : tooLarge(content.length, settings.contentLimit);
  }
  if (direct) return bytes(content);
  return json({ content: content.toString("base64"), file_type: fileType });
}

const tooLarge = (size: number, limit: number) =>
  new ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", `Notebook size exceeded limit: ${size} > ${limit}`);

/** As databricks/cli issue 3691 quotes it, "imported" included. */
const fileTooLarge = (size: number, limit: number) =>
  new ApiError(
    400,
    "BAD_REQUEST",
    `File size imported is (${size} bytes), exceeded max size (${limit} bytes)`,
  );

function exportOne(object: WorkspaceObject, format: string): Exported {
  if (object.type === "FILE") {
    if (format === "DBC" || format === "JUPYTER") throw invalid(`A FILE cannot be exported as ${format}.`);
    return { content: object.content, fileType: "file" };
  }
  if (object.type === "DASHBOARD") {
    if (format !== "AUTO") throw invalid(`A DASHBOARD cannot be exported as ${format}, only as AUTO.`);
    return { content: object.content, fileType: "file" };
  }
  if (object.type !== "NOTEBOOK")
    throw invalid(`${pathOf(object)} is a ${object.type}, which cannot be exported.`);
  const language = object.language!;
  switch (format) {
    case "SOURCE":
    case "AUTO":
      return { content: object.content, fileType: spelling(language).extension.slice(1) };
    case "JUPYTER":
      return {
        content: object.jupyter ?? encodeJupyter(object.name, language, object.content),
        fileType: "ipynb",
      };
    case "DBC": {
      const name = Buffer.from(`${object.name}.${spelling(language).dbc}`);
      return { content: zip([{ name, entry: dbcEntry(object) }]), fileType: "dbc" };
    }
    default:
      throw invalid(`A NOTEBOOK cannot be exported as ${format}.`);
  }
}

function exportDirectory(directory: WorkspaceObject, format: string, settings: Settings): Exported {
  if (format !== "DBC" && format !== "SOURCE" && format !== "AUTO") {
    throw invalid(`A directory cannot be exported as ${format}, only as DBC, SOURCE or AUTO.`);
  }
  const archive = format === "DBC" || settings.directoryExport === "dbc";
  const files: { name: Buffer; entry: ZipEntry }[] = [];
  const withFiles = format === "AUTO" || settings.filesInSource;
  const add = (object: WorkspaceObject, path: string): void => {
    if (object.children) {
      for (const child of object.children.values()) add(child, path ? `${path}/${child.name}` : child.name);
    } else if (object.type === "NOTEBOOK") {
      const { dbc, extension } = spelling(object.language!);
      const name = Buffer.from(archive ? `${path}.${dbc}` : path + extension);
      files.push({ name, entry: archive ? dbcEntry(object) : sourceEntry(object) });
    } else if (!archive && withFiles && (object.type === "FILE" || object.type === "DASHBOARD")) {
      files.push({ name: Buffer.from(path), entry: sourceEntry(object) });
    }
  };
  add(directory, directory.name);
  const size = zipSize(files);
  if (size > settings.contentLimit) throw tooLarge(size, settings.contentLimit);
  return { content: zip(files), fileType: archive ? "dbc" : "zip" };
}

/** The object's content as a deflated entry, cached with the object. */
export function sourceEntry(object: WorkspaceObject): ZipEntry {
  object.cache.sourceEntry ??= zipEntry(object.content);
  return object.cache.sourceEntry;
}

/** The notebook as a deflated NotebookV1 entry, cached with the object. */
export function dbcEntry(object: WorkspaceObject): ZipEntry {
  object.cache.dbcEntry ??= zipEntry(
    encodeNotebook(object.name, object.id, object.language!, object.content),
  );
  return object.cache.dbcEntry;
}
