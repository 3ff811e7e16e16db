import { type Random, random } from "../random.ts";
import { invalid } from "./api-error.ts";
import { type FaultEffect, type FaultRule, parseFaultRule } from "./fault-rule.ts";

interface Installed {
  id: string;
  rule: FaultRule;
  pattern: RegExp | undefined;
  dice: Random;
  seen: number;
  hits: number;
}

/** The faults of one request, at most one of each kind. */
export type FaultPlan = { [K in FaultEffect["kind"]]?: Extract<FaultEffect, { kind: K }> };

/** The installed rules and how often each was hit. */
export class Faults {
  #installed: Installed[] = [];

  get active(): boolean {
    return this.#installed.length > 0;
  }

  /** Is a rule of this kind installed? */
  has(kind: FaultEffect["kind"]): boolean {
    return this.#installed.some(({ rule }) => rule.kind === kind);
  }

  /** Replaces all rules and their counts. Throws 400, and changes nothing, when one of them is no rule. */
  install(rules: readonly unknown[]): void {
    const installed = rules.map(parseFaultRule).map((rule, i) => ({
      id: rule.id ?? `${rule.kind}-${i + 1}`,
      rule,
      pattern: rule.path === undefined ? undefined : new RegExp(rule.path),
      dice: random(rule.seed ?? 1),
      seen: 0,
      hits: 0,
    }));
    if (new Set(installed.map(({ id }) => id)).size < installed.length)
      throw invalid("Two fault rules have the same id.");
    this.#installed = installed;
  }

  /**
   * The faults of a request, counted as hit. `staleAvailable` says whether the request has a previous answer: without one
   * a `stale` rule is not hit.
   */
  match(method: string, endpoint: string, url: string, staleAvailable: () => boolean): FaultPlan {
    const plan: FaultPlan = {};
    for (const installed of this.#installed) {
      const { rule, pattern } = installed;
      if (rule.method !== undefined && rule.method !== method) continue;
      if (rule.endpoint !== undefined && rule.endpoint !== endpoint) continue;
      if (pattern && !pattern.test(url)) continue;
      if (rule.kind === "stale" && !staleAvailable()) continue;
      installed.seen++;
      if (installed.seen < (rule.nth ?? 1)) continue;
      const count = rule.count ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1);
      if (installed.hits >= count) continue;
      if (rule.probability !== undefined && installed.dice.next() >= rule.probability) continue;
      if (plan[rule.kind]) continue;
      installed.hits++;
      Object.assign(plan, { [rule.kind]: rule });
    }
    return plan;
  }

  /** Every rule with the number of matching requests and of hits. */
  report(): { id: string; rule: FaultRule; seen: number; hits: number }[] {
    return this.#installed.map(({ id, rule, seen, hits }) => ({ id, rule, seen, hits }));
  }

  /** The hits by rule. */
  hits(): Record<string, number> {
    return Object.fromEntries(this.#installed.map(({ id, hits }) => [id, hits]));
  }
}
