import { bytes, count, countOf, equationText, type JobResult, outcomesText, timeSpan } from "../index.ts";

const MARK = {
  succeeded: "✓ Succeeded",
  partial: "! Partial",
  failed: "✗ Failed",
  cancelled: "■ Cancelled",
} as const;
const MOST_NAMED = 10;

/** The closing words of a run on a terminal: what was done, what holds, what failed, what is next. */
export function finalText(result: JobResult): string {
  const { summary } = result;
  const lines: string[] = [];
  if (summary.dryRun) {
    for (const [phase, t] of Object.entries(summary.planned).filter(([, { items }]) => items > 0))
      lines.push(
        `  would ${phase}: ${countOf(t.items, "item")}${t.bytes > 0 ? `, ${bytes(t.bytes)}` : ""} in ${countOf(t.steps, "step")} and ${countOf(t.calls, "request")}`,
      );
  }
  for (const phase of summary.phases)
    if (phase.items + phase.failed > 0)
      lines.push(
        `  ${phase.title}: ${outcomesText(phase) || count(phase.items)}${phase.bytes > 0 ? ` (${bytes(phase.bytes)})` : ""}${phase.failed > 0 ? `, ${count(phase.failed)} failed` : ""}`,
      );
  for (const { equation, holds } of summary.equations) {
    lines.push(`  ${holds ? "✓" : "✗"} ${equation.name}: ${equationText(equation)}`);
    if (!holds) lines.push(...named((equation.differences ?? []).map((one) => `    - ${one}`)));
  }
  lines.push(
    ...named(
      summary.rejected.map((r) => `  ✗ ${r.item}: ${r.message}`),
      summary.more.rejected,
    ),
  );
  lines.push(
    ...named(
      summary.findings.map((f) => `  ≠ ${f.item}: ${f.detail}`),
      summary.more.findings,
    ),
  );
  if (summary.retries + summary.throttles > 0)
    lines.push(
      `  ${countOf(summary.retries, "request was", "requests were")} made again, ${countOf(summary.throttles, "slow-down", "slow-downs")} asked for`,
    );
  for (const [name, value] of Object.entries(summary.outputs))
    if (typeof value === "string" || typeof value === "number") lines.push(`  ${name}: ${value}`);
  const head =
    summary.dryRun && summary.outcome === "succeeded"
      ? "✓ Planned; nothing was written"
      : MARK[summary.outcome ?? "failed"];
  const error = summary.error
    ? [`  ${summary.error.message}`, ...(summary.error.hint ? [`  → ${summary.error.hint}`] : [])]
    : [];
  const kept = result.kept
    ? [`  report: ${result.kept.location.replace(/^file:/, "")}/${result.kept.report}`]
    : [];
  return [
    `${head} in ${timeSpan(summary.seconds)}`,
    ...error,
    ...lines,
    ...(summary.next ? [`  → ${summary.next}`] : []),
    ...kept,
  ].join("\n");
}

function named(lines: readonly string[], more = 0): readonly string[] {
  const left = more + Math.max(0, lines.length - MOST_NAMED);
  return [
    ...lines.slice(0, MOST_NAMED),
    ...(left > 0 ? [`    … and ${count(left)} more; the report has them`] : []),
  ];
}
