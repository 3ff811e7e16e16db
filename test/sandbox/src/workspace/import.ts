import { decodeArchive } from "../notebook/dbc.ts";
import { jupyterSource } from "../notebook/jupyter.ts";
import { hasHeader, headerLine, isLanguage, type Language, notebookLanguage } from "../notebook/language.ts";
import { ApiError, alreadyExists, invalid, notImplemented } from "../server/api-error.ts";
import { type ApiRequest, bodyObject, json, type Reply } from "../server/reply.ts";
import type { Settings } from "../server/settings.ts";
import { multipartFields } from "./multipart.ts";
import { flag, onlyKnown, text } from "./parameters.ts";
import type { Content, WorkspaceTree } from "./tree.ts";

interface ImportParameters {
  path: string;
  format: string;
  language: string | undefined;
  overwrite: boolean;
  content: Buffer;
}

/** The parameters of `POST /api/2.0/workspace/import`, from JSON with base64 or from multipart/form-data. */
export function importParameters(request: ApiRequest): ImportParameters {
  const type = String(request.headers["content-type"] ?? "");
  const multipart = type.startsWith("multipart/form-data");
  const fields: Record<string, unknown> = multipart
    ? multipartFields(request.body, type)
    : bodyObject(request);
  onlyKnown(Object.keys(fields), ["path", "format", "language", "overwrite", "content"]);
  const given = fields.content ?? "";
  const content = Buffer.isBuffer(given) ? given : fromBase64(given);
  const plain = (name: string) =>
    Buffer.isBuffer(fields[name]) ? fields[name].toString("utf8") : fields[name];
  const language = plain("language");
  if (language !== undefined && !isLanguage(language)) throw invalid(`Unknown language ${language}.`);
  return {
    path: text(plain("path"), "path"),
    format: text(plain("format") ?? "SOURCE", "format"),
    language,
    overwrite: flag(plain("overwrite"), "overwrite"),
    content,
  };
}

function fromBase64(value: unknown): Buffer {
  if (typeof value !== "string") throw invalid("The content is no base64 text.");
  const content = Buffer.from(value, "base64");
  if (content.length !== Math.floor((value.replace(/=+$/, "").length * 3) / 4)) {
    throw invalid("The content is no valid base64.");
  }
  return content;
}

/** Imports. Throws MAX_NOTEBOOK_SIZE_EXCEEDED over the content limit; 404 when the parent is missing; as {@link WorkspaceTree.put}. */
export function importObject(tree: WorkspaceTree, parameters: ImportParameters, settings: Settings): Reply {
  const { path, format, content, overwrite } = parameters;
  if (content.length > settings.contentLimit) {
    const message = `Content size exceeded limit: ${content.length} > ${settings.contentLimit}`;
    throw new ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message);
  }
  let object = { id: 0 };
  switch (format) {
    case "SOURCE":
      if (!isLanguage(parameters.language)) {
        if (content.subarray(0, 2).toString() === "PK")
          throw notImplemented("import of a directory as SOURCE");
        throw invalid("The language is missing: a single file imported as SOURCE needs it.");
      }
      object = tree.put(path, sourceNotebook(content, parameters.language), { overwrite });
      break;
    case "JUPYTER":
      object = tree.put(path, jupyterNotebook(content), { overwrite });
      break;
    case "RAW":
      object = tree.put(path, { type: "FILE", content }, { overwrite });
      break;
    case "AUTO": {
      const found = analysed(path, content);
      object = tree.put(found.path, found.what, { overwrite });
      break;
    }
    case "DBC":
      if (overwrite) throw invalid("overwrite is not supported for the format DBC.");
      object = importArchive(tree, path, content);
      break;
    case "HTML":
    case "R_MARKDOWN":
      throw notImplemented(`import in the format ${format}`);
    default:
      throw invalid(`Unknown import format ${format}.`);
  }
  return json({ object_id: object.id });
}

/** A notebook of these bytes; the header line is put before a source that lacks it, as every export begins with it. */
function sourceNotebook(content: Buffer, language: Language): Content {
  const complete = hasHeader(content, language)
    ? content
    : Buffer.concat([Buffer.from(`${headerLine(language)}\n`), content]);
  return { type: "NOTEBOOK", content: complete, language };
}

/** A notebook that keeps its Jupyter bytes and derives its source from them. */
export function jupyterNotebook(content: Buffer): Content {
  const { language, source } = jupyterSource(content);
  return { type: "NOTEBOOK", content: source, language, jupyter: content };
}

/** What AUTO makes of a file: a notebook without its extension when extension and header say so, else a FILE (or dashboard) under its full name. */
export function analysed(path: string, content: Buffer): { path: string; what: Content } {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const without = (extension: string) => path.slice(0, -extension.length);
  if (name.endsWith(".ipynb")) return { path: without(".ipynb"), what: jupyterNotebook(content) };
  if (name.endsWith(".lvdash.json")) return { path, what: { type: "DASHBOARD", content } };
  if (/\.(dbc|html|rmd)$/i.test(name)) throw notImplemented(`import of ${name} as AUTO`);
  const language = notebookLanguage(name, content);
  if (!language) return { path, what: { type: "FILE", content } };
  return { path: path.slice(0, path.lastIndexOf(".")), what: { type: "NOTEBOOK", content, language } };
}

/** One notebook becomes `path`; a directory's notebooks go below `path`, which takes the place of the archive's first folder. */
function importArchive(tree: WorkspaceTree, path: string, content: Buffer): { id: number } {
  const notebooks = decodeArchive(content);
  const [first] = notebooks;
  if (!first) throw invalid("The archive has no notebooks.");
  if (tree.find(path)) throw alreadyExists(path);
  const toContent = (n: typeof first): Content => ({
    type: "NOTEBOOK",
    content: n.source,
    language: n.language,
  });
  if (notebooks.length === 1 && !first.path.includes("/")) return tree.put(path, toContent(first));
  tree.get(path.slice(0, path.lastIndexOf("/")) || "/");
  const directory = tree.mkdirs(path);
  for (const notebook of notebooks) {
    const below = notebook.path.split("/").slice(1);
    if (below.length === 0) throw invalid(`Entry ${notebook.path} is outside the archive's folder.`);
    tree.mkdirs([path, ...below.slice(0, -1)].join("/"));
    tree.put([path, ...below].join("/"), toContent(notebook));
  }
  return directory;
}
