import { ApiError, denied, invalid } from "../server/api-error.ts";
import { type ApiRequest, bodyObject, json, jsonBytes, type Reply } from "../server/reply.ts";
import type { Settings } from "../server/settings.ts";
import { exportObject } from "./export.ts";
import { analysed, importObject, importParameters } from "./import.ts";
import { describe } from "./object.ts";
import { flag, onlyKnown, text } from "./parameters.ts";
import type { WorkspaceTree } from "./tree.ts";

export const IMPORT_FILE = "/api/2.0/workspace-files/import-file/";

type Route = (request: ApiRequest) => Reply;

/** The routes of the Workspace API over a tree, by `METHOD /path`. */
export function workspaceRoutes(tree: WorkspaceTree, settings: Settings): Record<string, Route> {
  const allowed = (path: string): string => {
    if (settings.deniedPaths.some((base) => path === base || path.startsWith(`${base}/`))) {
      throw denied(`User does not have View permissions on ${path}.`);
    }
    return path;
  };
  const queried = (request: ApiRequest, known: string[]) => {
    onlyKnown(request.query.keys(), ["path", ...known]);
    return allowed(text(request.query.get("path"), "path"));
  };
  return {
    "GET /api/2.0/workspace/list": (request) => jsonBytes(tree.list(queried(request, []))),
    "GET /api/2.0/workspace/get-status": (request) => json(describe(tree.get(queried(request, [])))),
    "GET /api/2.0/workspace/export": (request) =>
      exportObject(tree.get(queried(request, ["format", "direct_download"])), request, settings),
    "POST /api/2.0/workspace/mkdirs": (request) => {
      const body = bodyObject(request);
      onlyKnown(Object.keys(body), ["path"]);
      tree.mkdirs(allowed(text(body.path, "path")));
      return json({});
    },
    "POST /api/2.0/workspace/delete": (request) => {
      const body = bodyObject(request);
      onlyKnown(Object.keys(body), ["path", "recursive"]);
      tree.remove(allowed(text(body.path, "path")), flag(body.recursive, "recursive"));
      return json({});
    },
    "POST /api/2.0/workspace/import": (request) => {
      const parameters = importParameters(request);
      allowed(parameters.path);
      return importObject(tree, parameters, settings);
    },
    [`POST ${IMPORT_FILE}{path}`]: (request) => {
      onlyKnown(request.query.keys(), ["overwrite"]);
      const path = allowed(filePath(request.path));
      if (request.body.length > settings.uploadLimit)
        throw uploadTooLarge(request.body.length, settings.uploadLimit);
      const found = analysed(path, request.body);
      const overwrite = flag(request.query.get("overwrite"), "overwrite");
      if (!overwrite && tree.find(found.path)) {
        throw new ApiError(409, "ALREADY_EXISTS", `Path (${found.path}) already exists.`);
      }
      const object = tree.put(found.path, found.what, { overwrite });
      return json({ object_id: object.id });
    },
  };
}

const uploadTooLarge = (size: number, limit: number) =>
  new ApiError(
    400,
    "BAD_REQUEST",
    `File size imported is (${size} bytes), exceeded max size (${limit} bytes)`,
  );

/** The workspace path at the end of an import-file URL, whose slashes may be encoded or not. */
function filePath(urlPath: string): string {
  try {
    const path = decodeURIComponent(urlPath.slice(IMPORT_FILE.length));
    return path.startsWith("/") ? path : `/${path}`;
  } catch {
    throw invalid(`The path ${urlPath} is not percent-encoded UTF-8.`);
  }
}
