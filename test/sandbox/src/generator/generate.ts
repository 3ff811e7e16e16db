import { random } from "../random.ts";
import { invalid } from "../server/api-error.ts";
import { dbcEntry, sourceEntry } from "../workspace/export.ts";
import type { WorkspaceObject } from "../workspace/object.ts";
import { type Content, join, type WorkspaceTree } from "../workspace/tree.ts";
import { bigObjects, heavyObjects } from "./big.ts";
import { hostileObjects } from "./hostile.ts";
import { plainNames } from "./names.ts";
import { Writer } from "./writer.ts";

export interface GenerateOptions {
  /** The objects that can be exported, all together: notebooks, and at most 0.5 % FILEs and dashboards. */
  notebooks: number;
  /** Engagement folders. Default: one for every 50 notebooks. */
  engagements?: number;
  /** Default 2023, 2024, 2025. */
  years?: readonly number[];
  /** Default 1. */
  seed?: number;
  /** Adds notebooks above 10 MiB, a FILE of 12 MB and a folder whose export exceeds the limit, from about 300 notebooks on. */
  big?: boolean;
  /** Makes the last engagement one of names that break careless clients, from about 120 notebooks on. */
  hostile?: boolean;
  /** Compresses the entries of directory exports now instead of at the first export. Default none. */
  warm?: "none" | "source-zip" | "dbc" | "both";
}

/** An object of the plan: its name and how its content is made. */
export interface Planned {
  name: string;
  make(writer: Writer, key: string): Content;
}

/** Modification times are spread over this period. */
export const PERIOD = { start: Date.UTC(2023, 0, 9, 7), end: Date.UTC(2025, 5, 27, 18) };

/**
 * Replaces the workspace by a generated one: `/Clients/{year}/ENG-{nnn}/NOTEBOOKS/…`. The same options give the same paths,
 * contents and times, on every machine. Beyond the count come two objects that cannot be exported.
 */
export function generate(
  tree: WorkspaceTree,
  options: GenerateOptions,
): { objects: number; directories: number; bytes: number } {
  const { notebooks, years = [2023, 2024, 2025], seed = 1, warm = "none" } = options;
  if (!Number.isInteger(notebooks) || notebooks < 1)
    throw invalid("generate needs notebooks, a whole number from 1 on.");
  const engagements = options.engagements ?? Math.max(1, Math.ceil(notebooks / 50));
  if (!Number.isInteger(engagements) || engagements < 1)
    throw invalid("engagements is a whole number from 1 on.");
  if (years.length === 0) throw invalid("generate needs at least one year.");
  tree.clear();
  const writer = new Writer(seed);
  const dice = random(`times ${seed}`);
  const result = { objects: 0, directories: 0, bytes: 0 };
  for (const [i, planned] of planEngagements(options, engagements, seed).entries()) {
    const year = years[Math.floor((i * years.length) / engagements)]!;
    const folder = `/Clients/${year}/ENG-${String(i + 1).padStart(3, "0")}/NOTEBOOKS`;
    tree.mkdirs(folder);
    for (const { name, make } of planned) {
      const path = join(folder, name);
      const at = PERIOD.start + Math.floor(dice.next() * (PERIOD.end - PERIOD.start));
      const object = tree.put(path, make(writer, path), { at });
      object.createdAt = Math.max(PERIOD.start, at - dice.below(90 * 86_400_000));
      result.bytes += object.content.length;
      if (object.type === "NOTEBOOK" || object.type === "FILE" || object.type === "DASHBOARD")
        result.objects++;
      warmUp(object, warm);
    }
    if (options.hostile && i === engagements - 1) {
      tree.mkdirs(`/Clients/${year}/ENG-${String(i + 1).padStart(3, "0")}/EMPTY`);
      tree.mkdirs(join(folder, "x.py"));
    }
  }
  tree.put(
    "/Clients/forecast-1.4-py3-none-any.whl",
    { type: "LIBRARY", content: Buffer.alloc(0) },
    { at: PERIOD.start },
  );
  tree.put(
    "/Clients/churn_experiment",
    { type: "MLFLOW_EXPERIMENT", content: Buffer.alloc(0) },
    { at: PERIOD.start },
  );
  for (const object of tree.walk()) {
    if (object.type !== "DIRECTORY") continue;
    object.createdAt = object.modifiedAt = PERIOD.start;
    result.directories++;
  }
  return result;
}

/** What goes into each engagement. The special ones take their objects first; the rest is spread unevenly over the others. */
function planEngagements(options: GenerateOptions, engagements: number, seed: number): Planned[][] {
  const plans: Planned[][] = Array.from({ length: engagements }, () => []);
  let left = options.notebooks;
  const reserve = (i: number, objects: Planned[]) => {
    const own = objects.slice(0, left);
    plans[i]!.push(...own);
    left -= own.length;
  };
  if (options.hostile) reserve(engagements - 1, hostileObjects());
  if (options.big) {
    reserve(Math.min(1, engagements - 1), heavyObjects());
    for (const [i, object] of bigObjects().entries()) reserve(Math.min(2 + i, engagements - 1), [object]);
  }
  const dice = random(`sizes ${seed}`);
  const closed = new Set<number>();
  if (engagements > 2 && options.hostile) closed.add(engagements - 1);
  if (engagements > 3 && options.big) closed.add(1);
  const weights = plans.map((_, i) => (closed.has(i) ? 0 : 0.4 + 1.2 * dice.next()));
  const sum = weights.reduce((a, b) => a + b, 0);
  let before = 0;
  let given = 0;
  for (const [i, weight] of weights.entries()) {
    before += weight;
    const until = Math.round((before / sum) * left);
    plans[i]!.push(...plainNames(i, until - given, seed));
    given = until;
  }
  return plans;
}

function warmUp(object: WorkspaceObject, warm: GenerateOptions["warm"]): void {
  if (warm === "none") return;
  if (warm !== "dbc") sourceEntry(object);
  if (warm !== "source-zip" && object.type === "NOTEBOOK") dbcEntry(object);
}
