import type { Answer } from "./collector.ts";
import { parseExactJson } from "./exact-json.ts";

/** An error body, as far as it is one. https://docs.databricks.com/api/workspace/introduction */
export interface ErrorBody {
  /** Empty strings are left out: some errors have one. */
  readonly errorCode?: string;
  /** One line, shortened: for people only. */
  readonly message?: string;
  /** From a `google.rpc.RetryInfo` detail. */
  readonly retryDelayMs?: number;
  /** A page answered, not the API. */
  readonly html: boolean;
}

const LONGEST_MESSAGE = 500;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an answer is an HTML page: by its type, or without one by how it begins. */
export function isHtml(answer: Answer): boolean {
  const type = answer.headers["content-type"];
  if (type) return /^\s*(text\/html|application\/xhtml)/i.test(type);
  return /^\s*<(!doctype|html)/i.test(answer.body.toString("latin1", 0, 64));
}

function retryDelay(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details) {
    const delay = isRecord(detail) ? detail.retry_delay : undefined;
    if (typeof delay === "string" && /^\d+(\.\d+)?s$/.test(delay)) return Number(delay.slice(0, -1)) * 1000;
    if (isRecord(delay) && Number.isFinite(Number(delay.seconds))) return Number(delay.seconds) * 1000;
  }
  return undefined;
}

function line(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const one = text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
  return one === "" ? undefined : one.slice(0, LONGEST_MESSAGE);
}

/** Reads an error body of any shape; it never throws. */
export function readErrorBody(answer: Answer): ErrorBody {
  const html = isHtml(answer);
  if (html || answer.body.length === 0) return { html };
  let json: unknown;
  try {
    json = parseExactJson(answer.body.toString("utf8"));
  } catch {
    // Some gateways answer in plain text; what they say is for people, the status is for us.
    const message = line(answer.body.toString("utf8", 0, LONGEST_MESSAGE));
    return message ? { html, message } : { html };
  }
  if (!isRecord(json)) return { html };
  // `errorCode`, `error` and `error_description` are how OAuth endpoints put it.
  const errorCode = [json.error_code, json.errorCode, json.error].find(
    (c) => typeof c === "string" && c !== "",
  );
  const message = line(json.message) ?? line(json.error_description) ?? line(json.errorSummary);
  const retryDelayMs = retryDelay(json.details);
  return {
    html,
    ...(errorCode === undefined ? {} : { errorCode: errorCode as string }),
    ...(message === undefined ? {} : { message }),
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
  };
}
