import { invalid } from "./api-error.ts";

/** Which requests a rule hits, and how often. */
export interface FaultMatch {
  /** Names the rule in the hit counts; default `<kind>-<n>`. */
  id?: string;
  method?: string;
  /** A regular expression on the URL path with its query, percent-decoded. */
  path?: string;
  /** As in the stats: `GET /api/2.0/workspace/export`. */
  endpoint?: string;
  /** The first matching request that is hit, from 1. */
  nth?: number;
  /** How many matching requests are hit at most. Default: 1 with `nth`, without limit otherwise. */
  count?: number;
  /** The chance of a matching request to be hit, drawn from `seed`. */
  probability?: number;
  seed?: number;
}

/** What a hit does. Bytes are those of the answer's body. */
export type FaultEffect =
  /** Answers this instead. `applied: true` does the work first, so that the client hears of a failure that was none. */
  | {
      kind: "status";
      status: number;
      errorCode?: string;
      message?: string;
      body?: unknown;
      retryAfter?: number;
      applied?: boolean;
    }
  /** Waits before answering. */
  | { kind: "latency"; ms: number }
  /** Destroys the connection after so many bytes; `after: 0` before the status line. */
  | { kind: "reset"; after?: number }
  /** Says the full Content-Length, sends less, closes. Default: half. */
  | { kind: "truncate"; keep?: number }
  /** Cuts the body and says the shorter Content-Length: nothing looks wrong. Default: half. */
  | { kind: "short"; keep?: number }
  /** Inverts one bit of the byte at this offset (default: the middle). */
  | { kind: "corrupt"; at?: number }
  /** Reads of a changed path answer once as before the change. Only such reads are hits. */
  | { kind: "stale" }
  /** Sends the body in pieces of `chunk` bytes with `ms` between them. */
  | { kind: "slow"; ms: number; chunk?: number }
  /** Sends SIGKILL to a process: before the work is done, when it is `applied` but not answered, or `after` the answer. */
  | { kind: "kill"; pid: number; when?: "before" | "applied" | "after" }
  /** Ends every OAuth token before the request is looked at. */
  | { kind: "expire-tokens" };

export type FaultRule = FaultMatch & FaultEffect;

type Check = (value: unknown) => boolean;
const string: Check = (value) => typeof value === "string";
const amount: Check = (value) => typeof value === "number" && value >= 0;
const positive: Check = (value) => Number.isInteger(value) && (value as number) >= 1;
const boolean: Check = (value) => typeof value === "boolean";

const MATCH: Record<string, Check> = {
  id: string,
  kind: string,
  method: string,
  path: (value) => typeof value === "string" && isPattern(value),
  endpoint: string,
  nth: positive,
  count: positive,
  probability: (value) => typeof value === "number" && value >= 0 && value <= 1,
  seed: amount,
};

const EFFECTS: Record<FaultEffect["kind"], { needs: string[]; fields: Record<string, Check> }> = {
  status: {
    needs: ["status"],
    fields: {
      status: (value) => Number.isInteger(value) && (value as number) >= 200 && (value as number) < 600,
      errorCode: string,
      message: string,
      body: () => true,
      retryAfter: amount,
      applied: boolean,
    },
  },
  latency: { needs: ["ms"], fields: { ms: amount } },
  reset: { needs: [], fields: { after: amount } },
  truncate: { needs: [], fields: { keep: amount } },
  short: { needs: [], fields: { keep: amount } },
  corrupt: { needs: [], fields: { at: amount } },
  stale: { needs: [], fields: {} },
  slow: { needs: ["ms"], fields: { ms: amount, chunk: positive } },
  kill: {
    needs: ["pid"],
    fields: {
      pid: (value) => Number.isInteger(value) && (value as number) > 1,
      when: (value) => value === "before" || value === "applied" || value === "after",
    },
  },
  "expire-tokens": { needs: [], fields: {} },
};

/** A rule from JSON. Throws 400 for an unknown kind, an unknown field or a value that does not fit. */
export function parseFaultRule(value: unknown): FaultRule {
  if (typeof value !== "object" || value === null) throw invalid("A fault rule is an object.");
  const { kind } = value as { kind?: unknown };
  if (typeof kind !== "string" || !Object.hasOwn(EFFECTS, kind)) {
    throw invalid(
      `There is no fault kind ${JSON.stringify(kind)}; there are ${Object.keys(EFFECTS).join(", ")}.`,
    );
  }
  const { needs, fields } = EFFECTS[kind as FaultEffect["kind"]];
  for (const [name, field] of Object.entries(value)) {
    const check = MATCH[name] ?? fields[name];
    if (!check) throw invalid(`A ${kind} fault has no ${name}.`);
    if (!check(field)) throw invalid(`The ${name} of a ${kind} fault cannot be ${JSON.stringify(field)}.`);
  }
  for (const name of needs) if (!Object.hasOwn(value, name)) throw invalid(`A ${kind} fault needs ${name}.`);
  return value as FaultRule;
}

function isPattern(value: string): boolean {
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}
