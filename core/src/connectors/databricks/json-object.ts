import type { Answer } from "./collector.ts";
import { isHtml } from "./error-body.ts";
import { type Subject, unexpectedAnswer } from "./errors.ts";
import { parseExactJson } from "./exact-json.ts";

/** The JSON object of an answer; an empty body stands for an empty object. */
export function jsonObject(subject: Subject, answer: Answer): Record<string, unknown> {
  if (answer.body.length === 0) return {};
  if (isHtml(answer)) throw unexpectedAnswer(subject, answer);
  let value: unknown;
  try {
    value = parseExactJson(answer.body.toString("utf8"));
  } catch {
    throw unexpectedAnswer(subject, answer);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unexpectedAnswer(subject, answer);
  return value as Record<string, unknown>;
}
