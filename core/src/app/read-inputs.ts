import { z } from "zod";
import { describeIssue, nearest } from "../config/yaml-source.ts";
import type { AnyJob } from "../job/define-job.ts";
import { LakeferryError } from "../job/errors.ts";
import { kebab } from "../job/names.ts";
import { shownValue } from "./redact.ts";

/**
 * Checks the values of a job's inputs as a host got them (text, or what YAML made of them).
 * @throws LakeferryError `invalid-input` with the input, the bad value and the allowed ones
 */
export function readInputs(job: AnyJob, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = [...Object.keys(job.needs), ...Object.keys(job.inputs)];
  for (const name of Object.keys(values)) {
    if (names.includes(name)) continue;
    const close = nearest(name, names);
    throw new LakeferryError(`${job.id} has no input "${kebab(name)}".`, {
      code: "invalid-input",
      hint: close ? `Did you mean "${kebab(close)}"?` : `Its inputs are ${names.map(kebab).join(", ")}.`,
    });
  }
  const own = Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => name in job.inputs && value !== undefined && value !== "",
    ),
  );
  const checked = z.object(job.inputs as z.ZodRawShape).safeParse(own);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0]!;
  const name = String(issue.path[0]);
  throw new LakeferryError(
    `${job.id}: ${kebab(name)} ${describeIssue(issue, shownValue(job.inputs[name], own[name]))}.`,
    {
      code: "invalid-input",
      hint: `See lakeferry ${job.id.replace("-", " ")} --help.`,
    },
  );
}
