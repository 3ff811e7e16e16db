import type { WorkspaceObject } from "../../../connectors/databricks/port.ts";
import { byteOrder } from "../manifest/byte-order.ts";
import { sourceExtension } from "./languages.ts";
import { fittedName, foldedName, portableName } from "./portable-name.ts";

/** A child of a workspace folder, by its own name (the last part of its path). */
export type Child = Pick<WorkspaceObject, "type" | "language"> & { readonly name: string };

export type BackupFormat = "SOURCE" | "JUPYTER";

/** What the backup writes beside the workspace's folders, in the root only. */
export const RESERVED_IN_ROOT = [".lakeferry", "README.md", ".gitattributes", ".gitignore"] as const;

const FOLDERS: ReadonlySet<string> = new Set(["DIRECTORY", "REPO"]);
const BY_PRIORITY: readonly string[] = ["notebook", "file", "dashboard"];

interface Candidate {
  readonly index: number;
  readonly kind: string;
  readonly child: Child;
  /** Everything before `ending`, any length. */
  readonly stem: string;
  /** Stays behind a suffix: the extension. */
  readonly ending: string;
  /** The name is not the one it has in the workspace. */
  readonly changed: boolean;
}

/**
 * The name in the repository of each child of one workspace folder, by its place in `children`. It depends on
 * the set of children alone, not on their order or ids, so the same folder gives the same names in every backup.
 * Every name is a portable one, and no two are the same on a file system that ignores case or normalisation.
 *
 * Notebooks get the extension of their language (`.source` for a language not known, `.ipynb` in JUPYTER);
 * everything else keeps its name. Where two want the same name, what is backed up comes first: an empty folder or an
 * experiment leaves no trace in a backup, so a restored workspace without it must give the same names. Then those whose
 * name need not be changed, then notebook, file, dashboard, then plain byte order. The first keeps it; the others get
 * a suffix that no natural name has: `a (file).py`, `report (2).py`.
 */
export function repositoryNames(
  children: readonly Child[],
  format: BackupFormat,
  options: { root: boolean } = { root: false },
): Map<number, string> {
  const holders = new Map<string, string>();
  if (options.root) for (const name of RESERVED_IN_ROOT) holders.set(foldedName(name), "backup");

  const names = new Map<number, string>();
  const second: Candidate[] = [];
  for (const candidate of children.map((child, index) => candidateOf(child, index, format)).sort(inOrder)) {
    const name = fittedName(candidate.stem, candidate.ending);
    const key = foldedName(name);
    if (holders.has(key)) {
      second.push(candidate);
    } else {
      holders.set(key, candidate.kind);
      names.set(candidate.index, name);
    }
  }
  const counts = new Map<string, number>();
  for (const candidate of second) names.set(candidate.index, suffixedName(candidate, holders, counts));
  return names;
}

function candidateOf(child: Child, index: number, format: BackupFormat): Candidate {
  const { name, type, language = "" } = child;
  const kind = FOLDERS.has(type) ? "folder" : type.toLowerCase();
  const extension = format === "JUPYTER" ? ".ipynb" : sourceExtension(language);
  const wanted = kind === "notebook" ? name + extension : name;
  const whole = portableName(wanted);
  const ending = kind === "folder" ? "" : (/(?<=.)(?:\.lvdash)?\.[^. ]{1,16}$/su.exec(whole)?.[0] ?? "");
  return {
    index,
    kind,
    child,
    stem: whole.slice(0, whole.length - ending.length),
    ending,
    changed: whole !== wanted,
  };
}

function inOrder(a: Candidate, b: Candidate): number {
  return (
    tier(a.kind) - tier(b.kind) ||
    Number(a.changed) - Number(b.changed) ||
    priority(a.kind) - priority(b.kind) ||
    byteOrder(a.child.name, b.child.name) ||
    byteOrder(a.child.type, b.child.type) ||
    byteOrder(a.child.language ?? "", b.child.language ?? "")
  );
}

/** Objects of a backup, folders, what cannot be exported. */
function tier(kind: string): number {
  return BY_PRIORITY.includes(kind) ? 0 : kind === "folder" ? 1 : 2;
}

function priority(kind: string): number {
  return BY_PRIORITY.indexOf(kind);
}

/** The first free name of `a (file).py`, `a (file 2).py`, … or, beside one of its own kind, `a (2).py`, … */
function suffixedName(
  candidate: Candidate,
  holders: Map<string, string>,
  counts: Map<string, number>,
): string {
  const { kind, stem, ending } = candidate;
  const key = foldedName(fittedName(stem, ending));
  const word = holders.get(key) === kind ? "" : portableName(kind);
  for (let count = counts.get(`${word}/${key}`) ?? (word ? 1 : 2); ; count++) {
    const name = fittedName(stem, ` (${[word, count > 1 ? count : ""].filter(Boolean).join(" ")})${ending}`);
    const folded = foldedName(name);
    if (holders.has(folded)) continue;
    holders.set(folded, kind);
    counts.set(`${word}/${key}`, count + 1);
    return name;
  }
}
