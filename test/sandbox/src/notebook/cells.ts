import { headerLine, type Language, spelling } from "./language.ts";

/** One cell: `command` without any comment prefix, a magic cell beginning with its `%word`. */
export interface Cell {
  command: string;
  title: string;
  /** Is the title shown (`DBTITLE 1`) or kept but hidden (`DBTITLE 0`)? */
  showTitle: boolean;
}

/** What stands between two cells, by comment sign. */
const MARKERS: Record<string, RegExp> = {};

/**
 * Cuts a source notebook into cells. {@link renderSource} of the cells gives the same text back when the source is in the
 * workspace's own form; bare `# MAGIC` lines, hidden titles and missing blank lines are lost, as archives lose them.
 */
export function parseSource(source: string, language: Language): Cell[] {
  const { comment } = spelling(language);
  const header = headerLine(language);
  let text = source;
  if (text.startsWith(header)) {
    const end = text.indexOf("\n");
    text = end < 0 ? "" : text.slice(end + 1);
  }
  if (text.endsWith("\n")) text = text.slice(0, -1);
  MARKERS[comment] ??= new RegExp(`(?:\\n\\n|\\n|^)${comment} COMMAND -{10}(?:\\n\\n|\\n|$)`);
  return text.split(MARKERS[comment]).map((cell) => parseCell(cell, comment));
}

function parseCell(text: string, comment: string): Cell {
  let command = text;
  let title = "";
  let showTitle = false;
  const found = command.startsWith(`${comment} DBTITLE `)
    ? /^\S+ DBTITLE ([01]),(.*)(?:\n|$)/.exec(command)
    : null;
  if (found) {
    title = found[2]!;
    showTitle = found[1] === "1";
    command = command.slice(found[0].length);
  }
  const magic = `${comment} MAGIC`;
  if (command.startsWith(magic)) {
    const lines = command.split("\n");
    if (lines.every((line) => line === magic || line.startsWith(`${magic} `))) {
      command = lines.map((line) => line.slice(magic.length + 1)).join("\n");
    }
  }
  return { command, title, showTitle };
}

/** The workspace's own source form of a notebook. Every `%` cell is prefixed `MAGIC ` on every line. */
export function renderSource(cells: readonly Cell[], language: Language): string {
  const { comment } = spelling(language);
  const texts = cells.map((cell) => {
    const body = cell.command.startsWith("%")
      ? cell.command.replaceAll(/^/gm, `${comment} MAGIC `)
      : cell.command;
    return cell.title && cell.showTitle ? `${comment} DBTITLE 1,${cell.title}\n${body}` : body;
  });
  return `${headerLine(language)}\n${texts.join(`\n\n${comment} COMMAND ----------\n\n`)}\n`;
}
