import { equationText } from "../job/equation.ts";
import { bytes, count, timeSpan } from "../job/quantities.ts";
import { outcomesText, type RunSummary } from "./summary.ts";

/** GitHub drops a step summary over 1 MiB whole; a report stays below. */
export const MOST_REPORT_BYTES = 1_000_000;

const HEADLINE = {
  succeeded: "✅ Succeeded",
  partial: "⚠️ Partial",
  failed: "❌ Failed",
  cancelled: "⏹️ Cancelled",
} as const;

/** The report of a run in Markdown, below 1 MiB; what does not fit is counted. */
export function report(summary: RunSummary): string {
  const headline =
    summary.dryRun && summary.outcome === "succeeded" ? "📝 Plan" : HEADLINE[summary.outcome ?? "failed"];
  const out = new Pages(MOST_REPORT_BYTES);
  out.add(`## ${headline}: ${summary.job}\n\n`);
  out.add(
    `Run \`${summary.run}\`, ${timeSpan(summary.seconds)}${summary.dryRun ? ". A dry run: nothing was written." : "."}\n\n`,
  );
  if (summary.error)
    out.add(
      `> **${cell(summary.error.message)}**${summary.error.hint ? `\n> ${cell(summary.error.hint)}` : ""}\n\n`,
    );
  if (summary.next) out.add(`${summary.next}\n\n`);
  if (summary.forecast)
    table(
      out,
      "Plan",
      ["", ""],
      summary.forecast.facts.map((f) => [f.label, f.value]),
    );
  const planned = Object.entries(summary.planned);
  if (summary.dryRun)
    table(
      out,
      "Steps",
      ["phase", "steps", "items", "bytes", "calls"],
      planned.map(([name, t]) => [name, count(t.steps), count(t.items), bytes(t.bytes), count(t.calls)]),
    );
  const worked = summary.phases.filter((p) => p.steps + p.failed > 0);
  if (!summary.dryRun)
    table(
      out,
      "Work",
      ["phase", "items", "outcome", "bytes", "failed"],
      worked.map((p) => [p.title, count(p.items), outcomesText(p), bytes(p.bytes), count(p.failed)]),
    );
  table(
    out,
    "Counts",
    ["", "equation"],
    summary.equations.map(({ equation, holds }) => [
      holds ? "✅" : "❌",
      `${equation.name}: ${equationText(equation)}`,
    ]),
  );
  const outputs = Object.entries(summary.outputs);
  table(
    out,
    "Outputs",
    ["name", "value"],
    outputs.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  if (summary.retries + summary.throttles > 0)
    out.add(
      `${count(summary.retries)} requests were made again; the other side asked ${count(summary.throttles)} times to slow down.\n\n`,
    );
  const differences = summary.equations.flatMap(({ equation, holds }) =>
    holds ? [] : (equation.differences ?? []),
  );
  table(
    out,
    "Differences",
    ["object"],
    differences.map((one) => [one]),
  );
  table(
    out,
    "Failed",
    ["item", "reason", "what to do"],
    summary.rejected.map((r) => [r.item, r.message, r.hint ?? ""]),
    summary.more.rejected,
  );
  table(
    out,
    "Findings",
    ["item", "kind", "detail"],
    summary.findings.map((f) => [f.item, f.kind, f.detail]),
    summary.more.findings,
  );
  table(
    out,
    "Warnings",
    ["item", "warning"],
    summary.warnings.map((w) => [w.item ?? "", w.text]),
    summary.more.warnings,
  );
  return out.text();
}

function table(
  out: Pages,
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  more = 0,
): void {
  if (rows.length === 0) return;
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |\n`;
  out.add(`### ${title}\n\n${line(head)}${line(head.map(() => "---"))}`);
  const written = rows.findIndex((row) => !out.add(line(row)));
  const left = more + (written < 0 ? 0 : rows.length - written);
  out.add(left > 0 ? `\n… and ${count(left)} more.\n\n` : "\n");
}

/** Text inside a table: on one line, and no Markdown or HTML of its own. */
function cell(text: string): string {
  return text
    .replace(/[\r\n]+/g, " ")
    .replace(/[\\|<>`*_[\]]/g, (sign) => (sign === "<" ? "&lt;" : sign === ">" ? "&gt;" : `\\${sign}`));
}

/** Text that stops growing at a size, keeping room for closing words. */
class Pages {
  #size = 0;
  readonly #parts: string[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most - 2_000;
  }

  /** Says whether it fitted; short closing words always do. */
  add(text: string): boolean {
    const size = Buffer.byteLength(text);
    const fits = this.#size + size <= this.#most;
    if (fits || size < 100) {
      this.#parts.push(text);
      this.#size += size;
    }
    return fits;
  }

  text(): string {
    return this.#parts.join("");
  }
}
