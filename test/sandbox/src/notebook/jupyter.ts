import { invalid } from "../server/api-error.ts";
import { type Cell, parseSource, renderSource } from "./cells.ts";
import { type Language, languageNamed } from "./language.ts";

const CELL_METADATA = "application/vnd.databricks.v1+cell";
const NOTEBOOK_METADATA = "application/vnd.databricks.v1+notebook";

interface JupyterCell {
  cell_type: string;
  source?: string | string[];
  metadata?: Record<string, { title?: string; showTitle?: boolean } | undefined>;
}

interface JupyterNotebook {
  nbformat?: number;
  cells?: JupyterCell[];
  metadata?: {
    language_info?: { name?: string };
    kernelspec?: { language?: string };
    [NOTEBOOK_METADATA]?: { language?: string };
  };
}

/** nbformat 4 for a notebook that was never stored as Jupyter: no outputs, the workspace's metadata keys. */
export function encodeJupyter(name: string, language: Language, source: Buffer): Buffer {
  const lower = language.toLowerCase();
  const cells = parseSource(source.toString("utf8"), language).map((cell) => {
    const markdown = /^%md(?:-sandbox)?(?:\n| +)?/.exec(cell.command);
    const metadata = {
      [CELL_METADATA]: { cellMetadata: {}, inputWidgets: {}, showTitle: cell.showTitle, title: cell.title },
    };
    const text = lines(markdown ? cell.command.slice(markdown[0].length) : cell.command);
    return markdown
      ? { cell_type: "markdown", metadata, source: text }
      : { cell_type: "code", execution_count: 0, metadata, outputs: [], source: text };
  });
  const notebook = {
    cells,
    metadata: {
      [NOTEBOOK_METADATA]: {
        dashboards: [],
        language: lower,
        notebookMetadata: { pythonIndentUnit: 4 },
        notebookName: name,
        widgets: {},
      },
      language_info: { name: lower },
    },
    nbformat: 4,
    nbformat_minor: 0,
  };
  return Buffer.from(JSON.stringify(notebook, null, 1));
}

/** The lines of a text, each with its line end, as nbformat stores them. */
const lines = (text: string): string[] => (text === "" ? [] : text.split(/(?<=\n)/));

/** The language and the source form of a Jupyter notebook. Outputs are lost, as a SOURCE export loses them. */
export function jupyterSource(content: Buffer): { language: Language; source: Buffer } {
  let notebook: JupyterNotebook;
  try {
    notebook = JSON.parse(content.toString("utf8"));
  } catch (cause) {
    throw invalid(`The content is no Jupyter notebook: ${(cause as Error).message}`);
  }
  if (!Array.isArray(notebook.cells) || notebook.nbformat !== 4) {
    throw invalid("The content is no Jupyter notebook: nbformat 4 with a list of cells is needed.");
  }
  const { metadata } = notebook;
  const language =
    languageNamed(metadata?.[NOTEBOOK_METADATA]?.language) ??
    languageNamed(metadata?.language_info?.name) ??
    languageNamed(metadata?.kernelspec?.language) ??
    "PYTHON";
  return { language, source: Buffer.from(renderSource(notebook.cells.map(toCell), language)) };
}

function toCell(cell: JupyterCell): Cell {
  const text = Array.isArray(cell.source) ? cell.source.join("") : (cell.source ?? "");
  const own = cell.metadata?.[CELL_METADATA];
  return {
    command: cell.cell_type === "markdown" && !text.startsWith("%md") ? `%md\n${text}` : text,
    title: own?.title ?? "",
    showTitle: own?.showTitle ?? false,
  };
}
