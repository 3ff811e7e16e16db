import type { RunEvent } from "../job/events.ts";

/** The last guard: whatever text reaches a host, a secret that was read is `***` in it. */
export function redacting(
  secrets: ReadonlySet<string>,
  say: (event: RunEvent) => void,
): (event: RunEvent) => void {
  return (event) => say(wordless.has(event.type) ? event : (clean(event, secrets) as RunEvent));
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

function clean(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (typeof value === "string") {
    let text = value;
    for (const secret of secrets)
      if (secret.length >= 4 && text.includes(secret)) text = text.replaceAll(secret, "***");
    return text;
  }
  if (Array.isArray(value)) return value.map((one) => clean(one, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, clean(one, secrets)]));
}
