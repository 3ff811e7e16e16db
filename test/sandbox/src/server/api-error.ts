/** An answer the Databricks API gives instead of a result: an HTTP status and `{error_code, message, details}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly errorCode: string;
  readonly headers: Record<string, string>;

  constructor(status: number, errorCode: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.errorCode = errorCode;
    this.headers = headers;
  }
}

export const doesNotExist = (path: string) =>
  new ApiError(404, "RESOURCE_DOES_NOT_EXIST", `Path (${path}) doesn't exist.`);

export const alreadyExists = (path: string) =>
  new ApiError(400, "RESOURCE_ALREADY_EXISTS", `Path (${path}) already exists.`);

export const invalid = (message: string) => new ApiError(400, "INVALID_PARAMETER_VALUE", message);

export const denied = (message: string) => new ApiError(403, "PERMISSION_DENIED", message);

/** The sandbox never guesses: whatever it does not serve is answered by this, naming what is missing. */
export const notImplemented = (what: string) =>
  new ApiError(501, "NOT_IMPLEMENTED", `The sandbox does not implement ${what}.`);
