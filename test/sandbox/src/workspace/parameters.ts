import { invalid, notImplemented } from "../server/api-error.ts";

/** A boolean parameter: absent is false. Throws 400 for anything but true and false. */
export function flag(value: unknown, name: string): boolean {
  if (value === undefined || value === null || value === false || value === "false") return false;
  if (value === true || value === "true") return true;
  throw invalid(`${name} is true or false, not ${JSON.stringify(value)}.`);
}

/** A text parameter. Throws 400 when it is missing. */
export function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") throw invalid(`The parameter ${name} is missing.`);
  return value;
}

/** Refuses with 501 the parameters the sandbox does not know, so that no client relies on one that is silently ignored. */
export function onlyKnown(given: Iterable<string>, known: readonly string[]): void {
  for (const name of given) if (!known.includes(name)) throw notImplemented(`the parameter ${name}`);
}
