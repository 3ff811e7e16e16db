import type { Definitions } from "../config/config.ts";
import { databricks } from "../connectors/databricks/connector.ts";
import { git } from "../connectors/git/git.ts";
import { notebooks } from "../families/notebooks/family.ts";
import type { AnyJob, Family } from "../job/define-job.ts";
import { LakeferryError } from "../job/errors.ts";

/** Every family and connector there is. A new one is added here, and nowhere else. */
export const definitions: Definitions = {
  families: [notebooks],
  connectors: [databricks, git],
};

export function allJobs(): readonly AnyJob[] {
  return definitions.families.flatMap((family) => family.jobs);
}

export function findJob(id: string): { job: AnyJob; family: Family } {
  for (const family of definitions.families) {
    const job = family.jobs.find((one) => one.id === id);
    if (job) return { job, family };
  }
  throw new LakeferryError(`There is no job "${id}".`, {
    code: "invalid-input",
    hint: `The jobs are ${allJobs()
      .map((job) => job.id)
      .join(", ")}.`,
  });
}
