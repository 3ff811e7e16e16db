import {
  type Document,
  isCollection,
  isMap,
  isPair,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { LakeferryError } from "../job/errors.ts";

type Path = readonly PropertyKey[];

/** A YAML text that knows where each of its values stands, so that an error can name file, line and column. */
export class YamlSource {
  readonly file: string;
  readonly value: unknown;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed<ParsedNode>;

  constructor(text: string, file: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines });
    const [problem] = this.#document.errors;
    if (problem) {
      const { line, col } = this.#lines.linePos(problem.pos[0]);
      throw new LakeferryError(`${file}:${line}:${col}: ${problem.message.split("\n")[0]}`, {
        code: "invalid-input",
        hint: "The file is not valid YAML.",
      });
    }
    visit(this.#document, {
      Alias: (_key, alias) => {
        if (alias.resolve(this.#document)) return;
        const { line, col } = this.#lines.linePos(alias.range?.[0] ?? 0);
        throw new LakeferryError(`${file}:${line}:${col}: *${alias.source} refers to nothing`, {
          code: "invalid-input",
          hint: `Set the anchor &${alias.source} before it.`,
        });
      },
    });
    this.value = this.#document.toJS() ?? {};
  }

  /** `lakeferry.yml:12:9`; for a path that is not in the text, the nearest part of it that is. */
  where(path: Path, at: "key" | "value" = "value"): string {
    const { line, col } = this.#lines.linePos(this.#offset(path, at));
    return `${this.file}:${line}:${col}`;
  }

  error(path: Path, problem: string, hint?: string, at?: "key" | "value"): LakeferryError {
    const name = path.map(String).join(".");
    return new LakeferryError(`${this.where(path, at)}: ${name ? `${name}: ` : ""}${problem}`, {
      code: "invalid-input",
      hint,
    });
  }

  /** The first problem of a failed check, with the bad value and the allowed ones. */
  issue(issue: z.core.$ZodIssue, base: Path = []): LakeferryError {
    const path = [...base, ...issue.path];
    if (issue.code === "unrecognized_keys")
      return this.error(
        [...path, issue.keys[0]!],
        `${issue.keys.map((k) => `"${k}"`).join(", ")} is not known here`,
        undefined,
        "key",
      );
    return this.error(path, describeIssue(issue, this.#document.getIn(path as unknown[])));
  }

  #offset(path: Path, at: "key" | "value"): number {
    let node: unknown = this.#document.contents;
    let found = offsetOf(node) ?? 0;
    for (const [depth, part] of path.entries()) {
      if (!isCollection(node)) break;
      if (isMap(node) && at === "key" && depth === path.length - 1) {
        const pair = node.items.find((item) => isPair(item) && String(item.key) === String(part));
        return offsetOf(pair?.key) ?? found;
      }
      node = node.get(part, true);
      found = offsetOf(node) ?? found;
    }
    return found;
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0];
}

/** `"SORUCE" is not one of SOURCE, JUPYTER`, for one problem that zod found. */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const shown = value === undefined ? undefined : JSON.stringify(value);
  if (issue.code === "invalid_value")
    return `${shown ?? "nothing"} is not one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_type" && shown === undefined) return "is missing";
  if (issue.code === "invalid_union" && issue.errors[0]?.[0])
    return `${shown}: ${issue.errors.at(-1)?.[0]?.message ?? issue.message}`;
  return shown === undefined ? issue.message : `${shown}: ${issue.message}`;
}

/** The known word that is nearest to a wrong one, for "did you mean". */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const scored = known
    .map((one) => ({ one, distance: editDistance(word, one) }))
    .sort((a, b) => a.distance - b.distance);
  return scored[0] && scored[0].distance <= Math.max(2, word.length / 3) ? scored[0].one : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
