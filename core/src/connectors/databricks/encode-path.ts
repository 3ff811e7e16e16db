import { LakeferryError } from "../../job/errors.ts";

function encoded(part: string, whole: string): string {
  try {
    return encodeURIComponent(part);
  } catch (cause) {
    // Half of a surrogate pair has no UTF-8 form.
    throw new LakeferryError(
      `${JSON.stringify(whole)} is not a path that can be sent: it is not valid Unicode.`,
      {
        code: "invalid-input",
        cause,
      },
    );
  }
}

/** A workspace path for a query string: every segment by itself, `%`, `?`, `#`, `+` and spaces included. */
export function encodeSegments(path: string): string {
  return path
    .split("/")
    .map((segment) => encoded(segment, path))
    .join("/");
}

/** A whole path as one segment of a URL, its slashes as `%2F`: what `workspace-files` expects. */
export function encodeAsOneSegment(path: string): string {
  return encoded(path.replace(/^\/+/, ""), path);
}
