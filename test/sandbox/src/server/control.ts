import { createHash } from "node:crypto";
import type { GenerateOptions } from "../generator/generate.ts";
import { mutate } from "../generator/mutate.ts";
import { isLanguage } from "../notebook/language.ts";
import { loadFolder } from "../workspace/load-folder.ts";
import { describe, pathOf, type WorkspaceObject } from "../workspace/object.ts";
import { text } from "../workspace/parameters.ts";
import type { WorkspaceTree } from "../workspace/tree.ts";
import { invalid, notImplemented } from "./api-error.ts";
import type { FaultRule } from "./fault-rule.ts";
import { type ApiRequest, bodyObject, errorReply, json, type Reply } from "./reply.ts";
import { changeSettings, type Settings } from "./settings.ts";
import type { StatsReport } from "./stats.ts";

/** What the control API controls. */
export interface Controls {
  tree: WorkspaceTree;
  settings: Settings;
  stats(): StatsReport;
  resetStats(): void;
  installFaults(rules: readonly unknown[]): void;
  faults(): { id: string; rule: FaultRule; seen: number; hits: number }[];
  generate(options: GenerateOptions): { objects: number; directories: number; bytes: number };
  expireTokens(): void;
  snapshot(folder?: string): Promise<string>;
}

/** An object in `GET /_sandbox/tree`: `sha256` and `bytes` are those of the SOURCE form of a notebook. */
export interface TreeEntry {
  path: string;
  object_type: string;
  object_id: number;
  modified_at: number;
  language?: string;
  sha256?: string;
  bytes?: number;
}

/** The control API, `/_sandbox/…`: JSON in, JSON out, no authentication, counted nowhere. */
export function controlApi(controls: Controls): (request: ApiRequest) => Promise<Reply> {
  const { tree } = controls;
  const routes: Record<string, (body: Record<string, unknown>, request: ApiRequest) => unknown> = {
    "GET stats": () => controls.stats(),
    "POST stats/reset": () => controls.resetStats(),
    "GET faults": () => ({ rules: controls.faults() }),
    "POST faults": (body) => {
      if (!Array.isArray(body.rules)) throw invalid("The body is {rules: […]}.");
      controls.installFaults(body.rules);
      return { rules: controls.faults() };
    },
    "GET settings": () => controls.settings,
    "POST settings": (body) => {
      changeSettings(controls.settings, body);
      return controls.settings;
    },
    "POST tokens/expire": () => controls.expireTokens(),
    "POST generate": (body) => controls.generate(body as unknown as GenerateOptions),
    "POST load": async (body) => ({
      loaded: await loadFolder(tree, text(body.folder, "folder"), (body.at as string | undefined) ?? "/"),
    }),
    "POST rename": (body) => tree.rename(text(body.from, "from"), text(body.to, "to")),
    "POST touch": (body) => touch(tree, body),
    "POST mutate": (body) => mutate(tree, body),
    "POST snapshot": async (body) => ({ folder: await controls.snapshot(body.folder as string | undefined) }),
    "GET tree": (_, request) => ({ objects: treeEntries(tree, request.query.get("path") ?? "/") }),
  };
  return async (request) => {
    try {
      const name = `${request.method} ${request.path.slice("/_sandbox/".length)}`;
      const handler = routes[name];
      if (!handler) throw notImplemented(`the control ${name}`);
      // POST /_sandbox/faults also takes the bare list.
      const bare = name === "POST faults" && request.body.toString("latin1").trimStart().startsWith("[");
      const body = bare ? { rules: JSON.parse(request.body.toString("utf8")) } : bodyObject(request);
      return json((await handler(body, request)) ?? {});
    } catch (error) {
      return errorReply(error);
    }
  };
}

/** Writes an object as a user in the workspace does: `{path, content | contentBase64, type?, language?}`; parents are created. */
function touch(tree: WorkspaceTree, body: Record<string, unknown>): Record<string, unknown> {
  const path = text(body.path, "path");
  const content =
    typeof body.contentBase64 === "string"
      ? Buffer.from(body.contentBase64, "base64")
      : Buffer.from(typeof body.content === "string" ? body.content : "");
  const existing = tree.find(path);
  const type = body.type ?? existing?.type ?? (body.language ? "NOTEBOOK" : "FILE");
  const language = body.language ?? existing?.language;
  if (type !== "NOTEBOOK" && type !== "FILE" && type !== "DASHBOARD")
    throw invalid(`touch cannot write a ${type}.`);
  if (type === "NOTEBOOK" && !isLanguage(language))
    throw invalid("touch needs the language of a new notebook.");
  tree.mkdirs(path.slice(0, path.lastIndexOf("/")) || "/");
  const what = {
    type,
    content,
    language: type === "NOTEBOOK" && isLanguage(language) ? language : undefined,
  } as const;
  // A write in the same millisecond as the last one still has to be seen.
  const at =
    typeof body.modified_at === "number"
      ? body.modified_at
      : Math.max(Date.now(), (existing?.modifiedAt ?? 0) + 1);
  return describe(tree.put(path, what, { overwrite: true, at }));
}

/** Every object below a path, parents first. */
export function treeEntries(tree: WorkspaceTree, path = "/"): TreeEntry[] {
  return [...tree.walk(tree.get(path))].filter((object) => object.parent).map(entryOf);
}

function entryOf(object: WorkspaceObject): TreeEntry {
  const entry: TreeEntry = {
    path: pathOf(object),
    object_type: object.type,
    object_id: object.id,
    modified_at: object.modifiedAt,
  };
  if (object.language) entry.language = object.language;
  if (object.type === "DIRECTORY") return entry;
  object.cache.sha256 ??= createHash("sha256").update(object.content).digest("hex");
  entry.sha256 = object.cache.sha256;
  entry.bytes = object.content.length;
  return entry;
}
