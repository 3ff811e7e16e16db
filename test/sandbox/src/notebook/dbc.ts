import { unzipSync } from "fflate";
import { type Random, random, sample } from "../random.ts";
import { invalid } from "../server/api-error.ts";
import { type Cell, parseSource, renderSource } from "./cells.ts";
import { type Language, languageNamed, spelling } from "./language.ts";

const BEFORE_TITLE =
  '"commandVersion":0,"state":"finished","results":null,"errorSummary":null,"error":null,"workflows":[],"startTime":0,"submitTime":0,"finishTime":0,"collapsed":false,"bindings":{},"inputWidgets":{},"displayType":"table","width":"auto","height":"auto","xColumns":null,"yColumns":null,"pivotColumns":null,"pivotAggregation":null,"customPlotOptions":{},"commentThread":[],"commentsVisible":false,"parentHierarchy":[],"diffInserts":[],"diffDeletes":[],"globalVars":{},"latestUser":"",';
const AFTER_TITLE =
  '"hideCommandCode":false,"hideCommandResult":false,"iPythonMetadata":null,"streamStates":{},"nuid":"';

/** A notebook of an archive, brought back to source form. */
export interface ArchivedNotebook {
  /** The entry's path without its extension. */
  path: string;
  language: Language;
  source: Buffer;
}

/** The JSON of one notebook in a DBC archive: cells out of order, some at fractional positions. */
export function encodeNotebook(name: string, id: number, language: Language, source: Buffer): Buffer {
  const cells = parseSource(source.toString("utf8"), language);
  const dice = random(id);
  const guid = guids(dice);
  let position = 0;
  const commands = cells.map((cell, i) => {
    position += i > 0 && dice.next() < 0.15 ? 0.5 : 1;
    return command(cell, id + i + 1, position, guid);
  });
  const shuffled = sample(commands, commands.length, dice);
  const text =
    `{"version":"NotebookV1","origId":${id},"name":${JSON.stringify(name)},"language":"${spelling(language).dbc}",` +
    `"commands":[${shuffled.join(",")}],"dashboards":[],"guid":"${guid()}","globalVars":{},` +
    `"iPythonMetadata":null,"inputWidgets":{}}`;
  // Not Buffer.from: its pool would keep this short-lived text alive beside contents that stay.
  return Buffer.from(new TextEncoder().encode(text).buffer);
}

function command(cell: Cell, id: number, position: number, guid: () => string): string {
  return (
    `{"version":"CommandV1","origId":${id},"guid":"${guid()}","subtype":"command","commandType":"auto",` +
    `"position":${Number.isInteger(position) ? `${position}.0` : position},"command":${JSON.stringify(cell.command)},${BEFORE_TITLE}` +
    `"commandTitle":${JSON.stringify(cell.title)},"showCommandTitle":${cell.showTitle},${AFTER_TITLE}${guid()}"}`
  );
}

/** Different guids at every call, cheap to make: a random head per notebook and a count. */
function guids(dice: Random): () => string {
  const hex = (dice.next().toString(16) + "0".repeat(16)).slice(2, 18);
  const head = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(12, 15)}-a`;
  let count = dice.below(2 ** 40);
  return () => {
    const tail = (++count).toString(16).padStart(15, "0");
    return `${head}${tail.slice(0, 3)}-${tail.slice(3)}`;
  };
}

/** The notebooks of a DBC archive. Throws INVALID_PARAMETER_VALUE when the bytes are no such archive. */
export function decodeArchive(content: Buffer): ArchivedNotebook[] {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(content);
  } catch (cause) {
    throw invalid(`The content is no DBC archive: ${(cause as Error).message}`);
  }
  return Object.entries(files)
    .filter(([name]) => !name.endsWith("/"))
    .map(([name, data]) => decodeNotebook(name, Buffer.from(data)));
}

function decodeNotebook(name: string, data: Buffer): ArchivedNotebook {
  let notebook: { version?: string; language?: string; commands?: RawCommand[] };
  try {
    notebook = JSON.parse(data.toString("utf8"));
  } catch (cause) {
    throw invalid(`Entry ${name} is no JSON: ${(cause as Error).message}`);
  }
  const language = languageNamed(notebook.language);
  if (notebook.version !== "NotebookV1" || !language || !notebook.commands) {
    throw invalid(`Entry ${name} is no NotebookV1 in a known language.`);
  }
  const cells = notebook.commands
    .toSorted((a, b) => a.position - b.position)
    .map((raw) => ({
      command: raw.command,
      title: raw.commandTitle ?? "",
      showTitle: raw.showCommandTitle ?? false,
    }));
  const suffix = `.${spelling(language).dbc}`;
  const path = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return { path, language, source: Buffer.from(renderSource(cells, language)) };
}

interface RawCommand {
  position: number;
  command: string;
  commandTitle?: string;
  showCommandTitle?: boolean;
}
