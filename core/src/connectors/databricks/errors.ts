import { type ErrorCode, LakeferryError } from "../../job/errors.ts";
import type { Answer } from "./collector.ts";
import { type ErrorBody, readErrorBody } from "./error-body.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What a request was about, for its errors. */
export interface Subject {
  /** `export of /Users/a`. */
  readonly what: string;
  /** Creating requests are told "already there" in several ways, exports "too large". */
  readonly does: "read" | "export" | "create" | "delete";
  /** The permission that the request needs, in words: `Can Read on /Users/a`. */
  readonly needs?: string | undefined;
}

/** How the request was authenticated: the hint after a 401. */
export interface CredentialFacts {
  readonly kind: string;
  readonly renewal: string;
}

/** Codes that say the same whatever the status is. */
const BY_ERROR_CODE: Readonly<Record<string, ErrorCode>> = {
  RESOURCE_DOES_NOT_EXIST: "not-found",
  NOT_FOUND: "not-found",
  DIRECTORY_DOES_NOT_EXIST: "not-found",
  RESOURCE_ALREADY_EXISTS: "already-exists",
  ALREADY_EXISTS: "already-exists",
  PERMISSION_DENIED: "forbidden",
  DIRECTORY_PROTECTED: "forbidden",
  UNAUTHENTICATED: "unauthenticated",
  MAX_NOTEBOOK_SIZE_EXCEEDED: "too-large",
  MAX_READ_SIZE_EXCEEDED: "too-large",
  MAX_BLOCK_SIZE_EXCEEDED: "too-large",
  DIRECTORY_NOT_EMPTY: "conflict",
  RESOURCE_CONFLICT: "conflict",
  ABORTED: "conflict",
  REQUEST_LIMIT_EXCEEDED: "throttled",
  RESOURCE_EXHAUSTED: "throttled",
  TEMPORARILY_UNAVAILABLE: "unavailable",
  INTERNAL_ERROR: "unavailable",
  DEADLINE_EXCEEDED: "timeout",
  FEATURE_DISABLED: "not-supported",
  NOT_IMPLEMENTED: "not-supported",
  ENDPOINT_NOT_FOUND: "not-supported",
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  408: "timeout",
  409: "already-exists",
  413: "too-large",
  425: "unavailable",
  429: "throttled",
  501: "not-supported",
  504: "timeout",
};

/**
 * An answer's error in our words, by status and `error_code`; the server's text is shown and never read.
 *
 * Two meanings depend on the request. A creating request answered 400 without a code means "already there". An export
 * answered 400 BAD_REQUEST means "too large": oversized files are refused so (databricks/cli#3691), while wrong
 * parameters and paths have codes of their own.
 */
export function apiError(
  subject: Subject,
  answer: Answer,
  o: { credentials?: CredentialFacts | undefined; now: number },
): LakeferryError {
  const body = readErrorBody(answer);
  const code = meaning(subject, answer.status, body);
  const said = [answer.status, body.errorCode].filter(Boolean).join(" ");
  return new LakeferryError(`${subject.what}: ${body.message ?? WORDS[code]} (${said}).`, {
    code,
    hint: hintFor(code, subject, answer.status, body, o.credentials),
    retryAfterMs: retryAfterMs(answer.headers["retry-after"], o.now) ?? body.retryDelayMs,
  });
}

function meaning(subject: Subject, answered: number, body: ErrorBody): ErrorCode {
  const { errorCode } = body;
  // An error with a status of success is reported for exports; it stands for a bad request.
  const status = Math.max(answered, 400);
  // 401, 429 and 5xx are said by every layer in front of the service too: there the status comes first.
  if (status === 401 || status === 429) return BY_STATUS[status]!;
  const known = errorCode ? BY_ERROR_CODE[errorCode] : undefined;
  if (known) return known;
  if (BY_STATUS[status]) return BY_STATUS[status];
  if (status >= 500) return "unavailable";
  if (status === 400 && subject.does === "create" && !errorCode && !body.html) return "already-exists";
  if (status === 400 && subject.does === "export" && errorCode === "BAD_REQUEST") return "too-large";
  if (status === 400 && subject.does === "export") return "not-supported";
  return status === 405 || status === 410 ? "not-supported" : "invalid-input";
}

const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  "not-found": "it does not exist",
  "already-exists": "it exists already",
  "too-large": "it is over the service's size limit",
  throttled: "the service asks to slow down",
  unavailable: "the service cannot answer now",
  timeout: "the service took too long",
  forbidden: "not allowed",
  unauthenticated: "the credentials were refused",
};

function hintFor(
  code: ErrorCode,
  subject: Subject,
  status: number,
  body: ErrorBody,
  credentials: CredentialFacts | undefined,
): string | undefined {
  if (body.html)
    return "An HTML page answered instead of the Databricks API: check `host`, and the proxy or login page in front of it.";
  switch (code) {
    case "unauthenticated":
      return credentials
        ? `The workspace refused the ${credentials.kind} credentials. ${credentials.renewal}`
        : undefined;
    case "forbidden": {
      const needs = subject.needs ? `It needs ${subject.needs}. ` : "";
      // A token that is not known (any more) is answered 403 as well.
      const token = credentials
        ? `If the ${credentials.kind} credentials were revoked: ${credentials.renewal} `
        : "";
      return `${needs}${token}An IP access list of the workspace answers the same way.`;
    }
    case "not-found":
      return "Check the path; what these credentials may not see is answered as missing too.";
    case "already-exists":
      return "Allow overwriting, or choose another path.";
    case "too-large":
      return subject.does === "export"
        ? "An export may have 10,485,760 bytes: another format may be smaller (SOURCE leaves outputs out), a folder can be exported in parts."
        : "Split it, or upload it as a file (up to 500 MB).";
    case "conflict":
      return body.errorCode === "DIRECTORY_NOT_EMPTY"
        ? "Delete it with everything in it (recursive)."
        : undefined;
    case "not-supported":
      return status === 404 ? "Check `host`: it must be a workspace's address, not an account's." : undefined;
    default:
      return undefined;
  }
}

/** The error of an answer that is not what the API promises, although its status says success. */
export function unexpectedAnswer(subject: Subject, answer: Answer): LakeferryError {
  const type = answer.headers["content-type"] ?? "no content type";
  return new LakeferryError(
    `${subject.what}: the answer (${answer.status}, ${type}, ${answer.body.length} bytes) is not from the Databricks API.`,
    {
      code: "corrupt",
      hint: "A proxy or a login page may have answered: check `host`, HTTPS_PROXY and NO_PROXY.",
    },
  );
}
