import type { Check } from "../../job/connections.ts";
import { LakeferryError } from "../../job/errors.ts";
import type { Api } from "./api.ts";
import type { Answer } from "./collector.ts";
import { jsonObject } from "./json-object.ts";

/** Milliseconds; beyond, tokens and signatures begin to be refused. */
const TOLERATED_SKEW_MS = 5 * 60_000;

const ME = {
  endpoint: "scim/me",
  method: "GET",
  path: "/api/2.0/preview/scim/v2/Me",
  idempotent: true,
  what: "looking up who these credentials belong to",
  does: "read",
} as const;

/**
 * What `lakeferry doctor` asks of a workspace: reachability and TLS, credentials, the clock, the right to list. It
 * only reads, and a failure is a result, never thrown. https://docs.databricks.com/api/workspace/currentuser/me
 */
export async function* checkWorkspace(
  api: Api,
  o: { now: () => number; list: (path: string) => Promise<readonly unknown[]>; credentials: string },
): AsyncIterable<Check> {
  let me: Answer;
  let who: string;
  try {
    [me, who] = await api.call(ME, (answer) => [answer, nameOf(jsonObject(ME, answer))] as const);
  } catch (error) {
    yield* unreached(error, api.origin);
    return;
  }
  yield { name: "reachable", result: "ok", detail: api.origin };
  yield { name: "credentials", result: "ok", detail: `${who} (${o.credentials})` };
  yield clock(me.headers.date, o.now());
  yield await attempt("list /", async () => `${(await o.list("/")).length} objects`);
}

function nameOf(me: Record<string, unknown>): string {
  const name = me.userName ?? me.displayName ?? me.id;
  return typeof name === "string" ? name : "somebody without a name";
}

/** The service answered when it said that the credentials, or their rights, are at fault. */
function* unreached(error: unknown, origin: string): Iterable<Check> {
  const { code } = failure("", error);
  if (code !== "unauthenticated" && code !== "forbidden") {
    yield failure("reachable", error).check;
    return;
  }
  yield { name: "reachable", result: "ok", detail: origin };
  yield failure("credentials", error).check;
}

function failure(name: string, error: unknown): { check: Check; code: string | undefined } {
  const known = error instanceof LakeferryError ? error : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  return {
    code: known?.code,
    check: { name, result: "failed", detail, ...(known?.hint ? { hint: known.hint } : {}) },
  };
}

async function attempt(name: string, ask: () => Promise<string>): Promise<Check> {
  try {
    return { name, result: "ok", detail: await ask() };
  } catch (error) {
    return failure(name, error).check;
  }
}

function clock(date: string | undefined, now: number): Check {
  const theirs = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(theirs)) return { name: "clock", result: "ok", detail: "the service tells no time" };
  const skew = now - theirs;
  const seconds = Math.round(Math.abs(skew) / 1000);
  const detail = `${seconds} s ${skew < 0 ? "behind" : "ahead of"} the service`;
  if (Math.abs(skew) <= TOLERATED_SKEW_MS) return { name: "clock", result: "ok", detail };
  return {
    name: "clock",
    result: "warning",
    detail,
    hint: "Set this machine's clock (NTP): tokens and leases are judged by it.",
  };
}
