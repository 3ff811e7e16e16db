/**
 * One side of an equation. `by` says who counted: the source or the destination was asked, never the run's own
 * counters. Excluded and failed items are counted by the plan, from what the source listed.
 */
export interface Side {
  readonly label: string;
  readonly count: bigint;
  readonly by: "source" | "destination" | "plan";
}

/** A statement that must hold at the end of a run: `left` equals the sum of `right`. */
export interface Equation {
  readonly name: string;
  readonly left: Side;
  readonly right: readonly Side[];
  /** Objects behind a difference, by name, as far as they are known. */
  readonly differences?: readonly string[];
}

export function holds(equation: Equation): boolean {
  return equation.left.count === equation.right.reduce((sum, side) => sum + side.count, 0n);
}

/** `listed by the workspace 70,000 = manifest 69,990 + excluded 10`, in one line. */
export function equationText(equation: Equation): string {
  const side = (s: Side) => `${s.label} ${s.count.toLocaleString("en-US")}`;
  const sign = holds(equation) ? "=" : "≠";
  return `${side(equation.left)} ${sign} ${equation.right.map(side).join(" + ")}`;
}

export function equationSide(label: string, count: number, by: Side["by"]): Side {
  return { label, count: BigInt(count), by };
}
