import type { Equation } from "./equation.ts";
import type { Json } from "./json.ts";

/** How a run ended. `partial`: some items failed or wait, everything else is done and proven. */
export type Outcome = "succeeded" | "partial" | "failed" | "cancelled";

/** An error as it is told and recorded: never a stack, never a secret. */
export interface ErrorFacts {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** One item that did not make it, by name and with its reason. */
export interface Rejection extends ErrorFacts {
  readonly item: string;
}

/** Totals of a plan, or of what has been done of it. */
export interface Totals {
  readonly steps: number;
  readonly items: number;
  readonly bytes: number;
  readonly calls: number;
}

/** What a plan comes to, in words: shown before the work, and as the result of a dry run. */
export interface Forecast {
  readonly facts: readonly { readonly label: string; readonly value: string }[];
  readonly warnings: readonly string[];
  /** Totals by phase, where they are known before the plan was walked: progress then has an end. */
  readonly totals?: Readonly<Record<string, Totals>>;
}

/** The only thing a run says. Terminal, JSON lines, report and record are folds over these. */
export type RunEvent =
  | { readonly type: "started"; readonly job: string; readonly run: string; readonly dryRun: boolean }
  | { readonly type: "phase"; readonly phase: string; readonly title: string }
  | { readonly type: "progress"; readonly phase: string; readonly text: string }
  | { readonly type: "planned"; readonly phase: string; readonly totals: Totals; readonly complete: boolean }
  | { readonly type: "forecast"; readonly forecast: Forecast }
  | { readonly type: "step-started"; readonly phase: string; readonly step: string; readonly title: string }
  | {
      readonly type: "step-finished";
      readonly phase: string;
      readonly step: string;
      readonly items: number;
      readonly bytes: number;
      readonly rejected: readonly Rejection[];
    }
  | {
      readonly type: "step-failed";
      readonly phase: string;
      readonly step: string;
      readonly error: ErrorFacts;
      readonly items: number;
    }
  | { readonly type: "sealing"; readonly phase: string; readonly steps: number; readonly items: number }
  | {
      readonly type: "sealed";
      readonly phase: string;
      readonly steps: number;
      readonly items: number;
      readonly bytes: number;
      /** Items by what became of them at the destination, where the phase says. */
      readonly outcomes: Readonly<Partial<Record<"written" | "unchanged" | "deleted" | "rejected", number>>>;
    }
  | { readonly type: "journaled"; readonly phase: string; readonly steps: number }
  | {
      readonly type: "request-retried";
      readonly endpoint: string;
      readonly attempt: number;
      readonly waitMs: number;
      readonly error: ErrorFacts;
    }
  | {
      readonly type: "throttled";
      readonly endpoint: string;
      readonly perSecond: number;
      readonly waitMs: number;
    }
  | { readonly type: "metric"; readonly name: string; readonly value: number; readonly unit: string }
  | { readonly type: "warning"; readonly text: string; readonly item?: string }
  | { readonly type: "finding"; readonly kind: string; readonly item: string; readonly detail: string }
  | { readonly type: "reconciling" }
  | { readonly type: "reconciled"; readonly equation: Equation; readonly holds: boolean }
  | {
      readonly type: "finished";
      readonly outcome: Outcome;
      readonly seconds: number;
      readonly outputs: Readonly<Record<string, Json>>;
      readonly error?: ErrorFacts;
      /** How to go on, when the run did not end well. */
      readonly next?: string;
    };

/** What of an error is told and recorded. */
export function errorFacts(error: { code: string; message: string; hint?: string | undefined }): ErrorFacts {
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
