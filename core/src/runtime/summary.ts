import type { Equation } from "../job/equation.ts";
import type { ErrorFacts, Forecast, Outcome, Rejection, RunEvent } from "../job/events.ts";
import type { Json } from "../job/json.ts";
import { count } from "../job/quantities.ts";

/** What is remembered of one phase. */
export interface PhaseSummary {
  readonly name: string;
  readonly title: string;
  steps: number;
  items: number;
  bytes: number;
  /** Items whose group is durable at the destination. */
  sealed: number;
  /** Sealed items by what became of them, where the phase says. */
  readonly outcomes: Record<string, number>;
  failed: number;
}

/** A run so far: a fold over its events, from which terminal, report and record are made. */
export interface RunSummary {
  job: string;
  run: string;
  dryRun: boolean;
  outcome: Outcome | undefined;
  seconds: number;
  readonly phases: PhaseSummary[];
  forecast: Forecast | undefined;
  readonly planned: Record<string, { steps: number; items: number; bytes: number; calls: number }>;
  readonly rejected: Rejection[];
  readonly warnings: { text: string; item?: string }[];
  readonly findings: { kind: string; item: string; detail: string }[];
  readonly equations: { equation: Equation; holds: boolean }[];
  readonly metrics: Record<string, { value: number; unit: string }>;
  retries: number;
  throttles: number;
  /** Beyond `MOST_KEPT` of a kind, counts only. */
  readonly more: { rejected: number; warnings: number; findings: number };
  outputs: Readonly<Record<string, Json>>;
  error: ErrorFacts | undefined;
  next: string | undefined;
}

/** Rejections, warnings and findings that are kept by name, of each kind. */
export const MOST_KEPT = 1_000;

export function emptySummary(): RunSummary {
  return {
    job: "",
    run: "",
    dryRun: false,
    outcome: undefined,
    seconds: 0,
    phases: [],
    forecast: undefined,
    planned: {},
    rejected: [],
    warnings: [],
    findings: [],
    equations: [],
    metrics: {},
    retries: 0,
    throttles: 0,
    more: { rejected: 0, warnings: 0, findings: 0 },
    outputs: {},
    error: undefined,
    next: undefined,
  };
}

/** `3,520 written, 70 deleted`; nothing where a phase does not say. */
export function outcomesText({ outcomes }: Pick<PhaseSummary, "outcomes">): string {
  return Object.entries(outcomes)
    .filter(([, items]) => items > 0)
    .map(([outcome, items]) => `${count(items)} ${outcome}`)
    .join(", ");
}

/** Takes one event into the summary. */
export function fold(summary: RunSummary, event: RunEvent): void {
  const phase = "phase" in event ? summary.phases.find(({ name }) => name === event.phase) : undefined;
  switch (event.type) {
    case "started":
      Object.assign(summary, { job: event.job, run: event.run, dryRun: event.dryRun });
      break;
    case "phase":
      summary.phases.push({
        name: event.phase,
        title: event.title,
        steps: 0,
        items: 0,
        bytes: 0,
        sealed: 0,
        outcomes: {},
        failed: 0,
      });
      break;
    case "planned":
      summary.planned[event.phase] = event.totals;
      break;
    case "forecast":
      summary.forecast = event.forecast;
      for (const text of event.forecast.warnings) keep(summary.warnings, { text }, summary.more, "warnings");
      break;
    case "step-finished":
      if (phase)
        Object.assign(phase, {
          steps: phase.steps + 1,
          items: phase.items + event.items,
          bytes: phase.bytes + event.bytes,
          failed: phase.failed + event.rejected.length,
        });
      for (const one of event.rejected) keep(summary.rejected, one, summary.more, "rejected");
      break;
    case "step-failed":
      if (phase) phase.failed += event.items;
      keep(summary.rejected, { item: event.step, ...event.error }, summary.more, "rejected");
      break;
    case "sealed":
      if (!phase) break;
      phase.sealed += event.items;
      for (const [outcome, items] of Object.entries(event.outcomes))
        phase.outcomes[outcome] = (phase.outcomes[outcome] ?? 0) + items;
      break;
    case "request-retried":
      summary.retries += 1;
      break;
    case "throttled":
      summary.throttles += 1;
      break;
    case "metric":
      summary.metrics[event.name] = { value: event.value, unit: event.unit };
      break;
    case "warning":
      keep(
        summary.warnings,
        { text: event.text, ...(event.item ? { item: event.item } : {}) },
        summary.more,
        "warnings",
      );
      break;
    case "finding":
      keep(
        summary.findings,
        { kind: event.kind, item: event.item, detail: event.detail },
        summary.more,
        "findings",
      );
      break;
    case "reconciled":
      summary.equations.push({ equation: event.equation, holds: event.holds });
      break;
    case "finished":
      Object.assign(summary, {
        outcome: event.outcome,
        seconds: event.seconds,
        outputs: event.outputs,
        error: event.error,
        next: event.next,
      });
      break;
  }
}

function keep<T>(list: T[], one: T, more: RunSummary["more"], kind: keyof RunSummary["more"]): void {
  if (list.length < MOST_KEPT) list.push(one);
  else more[kind] += 1;
}
