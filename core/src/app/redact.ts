import type { z } from "zod";
import type { RunEvent } from "../job/events.ts";
import { inputFacts } from "../job/inputs.ts";

/** The last guard: whatever text reaches a host, a secret that was read is `***` in it. */
export function redacting(
  secrets: ReadonlySet<string>,
  say: (event: RunEvent) => void,
): (event: RunEvent) => void {
  return (event) => say(wordless.has(event.type) ? event : redacted(event, secrets));
}

/** Events without free text, of which there are many. */
const wordless: ReadonlySet<string> = new Set([
  "planned",
  "step-started",
  "sealing",
  "sealed",
  "journaled",
  "metric",
  "reconciling",
]);

/** The same value, with every secret in its texts as `***`. */
export function redacted<T>(value: T, secrets: ReadonlySet<string>): T {
  return withoutSecrets(value, secrets) as T;
}

function withoutSecrets(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (typeof value === "string") {
    let text = value;
    for (const secret of secrets)
      if (secret.length >= 4 && text.includes(secret)) text = text.replaceAll(secret, "***");
    return text;
  }
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, secrets));
  // Dates and the like have no text of their own.
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one, secrets)]));
}

/** An address as it may be told: a URL without its user, its password and what stands after a `?`. */
export function withoutCredentials(address: string): string {
  if (!address.includes("://")) return address;
  return address.replace(/\/\/\S*@/, "//***@").replace(/[?#].*$/s, "?***");
}

/** A value that was refused, as it may be told: one of a secret is `***`, whatever was given for it. */
export function shownValue(schema: z.ZodType | undefined, value: unknown): unknown {
  if (value === undefined || !schema) return value;
  return inputFacts(schema).kind === "secret" ? "***" : value;
}
