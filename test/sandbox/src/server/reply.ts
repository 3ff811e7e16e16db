import { ApiError } from "./api-error.ts";

/** What a route answers. The body is complete, so that faults can cut or alter it. */
export interface Reply {
  status: number;
  body: Buffer;
  headers: Record<string, string>;
}

/** A request as the routes see it: the path still percent-encoded, the body read to its end. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
}

export const EMPTY = Buffer.alloc(0);
const JSON_TYPE = { "content-type": "application/json" };

/** 200 with a JSON body that is already encoded. */
export const jsonBytes = (body: Buffer): Reply => ({ status: 200, body, headers: JSON_TYPE });

/** A JSON answer. */
export const json = (value: unknown, status = 200): Reply => ({
  status,
  body: Buffer.from(JSON.stringify(value)),
  headers: JSON_TYPE,
});

/** 200 with raw bytes. */
export const bytes = (body: Buffer, contentType = "application/octet-stream"): Reply => ({
  status: 200,
  body,
  headers: { "content-type": contentType },
});

/** The answer for anything thrown by a route. What is not an {@link ApiError} is the sandbox's own fault: 500. */
export function errorReply(error: unknown): Reply {
  if (error instanceof ApiError) {
    const body = { error_code: error.errorCode, message: error.message };
    return { ...json(body, error.status), headers: { ...JSON_TYPE, ...error.headers } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return json({ error_code: "SANDBOX_BUG", message }, 500);
}

/** The request's body as a JSON object; an empty body is an empty object. */
export function bodyObject(request: ApiRequest): Record<string, unknown> {
  if (request.body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(request.body.toString("utf8"));
  } catch (cause) {
    throw new ApiError(400, "MALFORMED_REQUEST", `The body is no JSON: ${(cause as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError(400, "MALFORMED_REQUEST", "The body is no JSON object.");
  }
  return value as Record<string, unknown>;
}
