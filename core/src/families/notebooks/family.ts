import type { Family } from "../../job/define-job.ts";
import { backup } from "./backup.ts";
import { observe } from "./observe.ts";
import { restore } from "./restore.ts";
import { verify } from "./verify.ts";

/** Notebooks of a Databricks workspace, in git and back. */
export const notebooks: Family = {
  id: "notebooks",
  summary: "Back up, verify and restore the notebooks of a Databricks workspace",
  jobs: [backup, verify, restore],
  observe,
  troubleshooting: [
    {
      symptom: "The first backup takes long",
      cause:
        "Exports are limited to about 60 a second; folders over 10 MB, JUPYTER and single objects take one request each",
      cure: "Look at `to export` of --dry-run; use --format SOURCE; split the work over runners with --shard",
    },
    {
      symptom: "A run was stopped, or its machine is gone",
      cause: "A timeout of the job, a lost runner, a cancel",
      cure: "Run the same command again, anywhere: it goes on from the branch backup/<run> of the repository",
    },
    {
      symptom: "lease-held: another run holds the branch",
      cause:
        "A scheduled and a manual run at the same time, or a run that died less than five minutes ago on another machine",
      cure: "A lease on another machine is waited for until it ends, or until it is renewed; when its run is known to be dead, --take-over does not wait",
    },
    {
      symptom: "A notebook is over the export limit of 10 MB",
      cause: "Mostly its outputs",
      cure: "Use --format SOURCE, clear the outputs, or leave it out with --exclude; it is named in the report, never skipped in silence",
    },
    {
      symptom: "The push is refused",
      cause: "The branch is protected, or the token may not write",
      cure: "Allow the backup's identity to push to the branch, to backup/* and to tags backup/*; lakeferry doctor says what is missing",
    },
    {
      symptom: "The repository grows beyond 10 GB",
      cause: "Many years, or notebooks with outputs",
      cure: "Use --shard-by year or --archive-before, and --format SOURCE",
    },
    {
      symptom: "The result does not add up",
      cause: "Somebody changed the branch while it was being checked, or a write was lost",
      cure: "Run the same command again; the report names the objects",
    },
  ],
};
