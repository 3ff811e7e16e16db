import { createHash } from "node:crypto";
import type { Language } from "../../../connectors/databricks/port.ts";
import type { Command } from "./dbc.ts";

/**
 * A notebook as DBC archives hold it, with every field they are known to have: which of them an importer needs is
 * not documented. The same source gives the same JSON.
 */
export function notebookJson(
  commands: readonly Command[],
  name: string,
  language: Language,
  source: Buffer,
): object {
  const digest = createHash("sha256").update(source).digest("hex");
  const id = (key: string): string => uuid(createHash("sha256").update(`${digest} ${name} ${key}`).digest());
  return {
    version: "NotebookV1",
    origId: 1,
    name,
    language: language.toLowerCase(),
    commands: commands.map((command) => ({
      version: "CommandV1",
      origId: command.position + 1,
      guid: id(`command ${command.position}`),
      subtype: "command",
      commandType: "auto",
      ...command,
      ...EMPTY_COMMAND,
      nuid: id(`nuid ${command.position}`),
    })),
    dashboards: [],
    guid: id("notebook"),
    globalVars: {},
    iPythonMetadata: null,
    inputWidgets: {},
  };
}

const EMPTY_COMMAND = {
  commandVersion: 0,
  state: "finished",
  results: null,
  errorSummary: null,
  error: null,
  workflows: [],
  startTime: 0,
  submitTime: 0,
  finishTime: 0,
  collapsed: false,
  bindings: {},
  inputWidgets: {},
  displayType: "table",
  width: "auto",
  height: "auto",
  xColumns: null,
  yColumns: null,
  pivotColumns: null,
  pivotAggregation: null,
  customPlotOptions: {},
  commentThread: [],
  commentsVisible: false,
  parentHierarchy: [],
  diffInserts: [],
  diffDeletes: [],
  globalVars: {},
  latestUser: "",
  hideCommandCode: false,
  hideCommandResult: false,
  iPythonMetadata: null,
  streamStates: {},
} as const;

/** Version 8, made from a digest: the same source gives the same archive. */
function uuid(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
