import type { Answer } from "./collector.ts";
import { isHtml } from "./error-body.ts";
import { apiError, type Subject, unexpectedAnswer } from "./errors.ts";
import { parseExactJson } from "./exact-json.ts";

const JSON_TYPE = /^application\/json\b/i;

/**
 * The bytes of a direct download that was answered with success. Three answers look like one and are not:
 * an error as JSON with status 200 (reported for MAX_NOTEBOOK_SIZE_EXCEEDED), the older `{content: base64}`, and the
 * page of a login or a proxy. An answer that says it is an attachment is the file, whatever is in it, since exported
 * files may be JSON or HTML themselves.
 * @throws LakeferryError as the error inside says; `corrupt` for a page
 */
export function exportedBytes(subject: Subject, path: string, answer: Answer): Buffer {
  if (answer.headers["content-disposition"]) return answer.body;
  if (isHtml(answer) && !/\.html?$/i.test(path)) throw unexpectedAnswer(subject, answer);
  const type = answer.headers["content-type"];
  const mayBeJson = (type === undefined || JSON_TYPE.test(type)) && answer.body[0] === 0x7b;
  if (!mayBeJson) return answer.body;
  const fields = onlyFields(answer.body);
  if (!fields) return answer.body;
  const names = Object.keys(fields);
  if (typeof fields.error_code === "string" && names.every((name) => ERROR_FIELDS.has(name)))
    throw apiError(subject, answer, { now: 0 });
  if (typeof fields.content === "string" && names.every((name) => CONTENT_FIELDS.has(name)))
    return Buffer.from(fields.content, "base64");
  return answer.body;
}

const ERROR_FIELDS: ReadonlySet<string> = new Set([
  "error_code",
  "message",
  "details",
  "stack_trace",
  "request_id",
]);
const CONTENT_FIELDS: ReadonlySet<string> = new Set(["content", "file_type"]);

function onlyFields(body: Buffer): Record<string, unknown> | undefined {
  try {
    return parseExactJson(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    // Not JSON after all: a file that begins with a brace.
    return undefined;
  }
}
