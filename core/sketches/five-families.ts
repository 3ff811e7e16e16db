import { notebooks } from "../src/families/notebooks/family.ts";
import type { AnyJob, Family } from "../src/job/define-job.ts";
import { autoloaderLand } from "./autoloader-land.ts";
import { cosmosLoad } from "./cosmos-load.ts";
import { datasetsSync } from "./datasets-sync.ts";
import { filesMigrate } from "./files-migrate.ts";

const sketch = (id: string, jobs: readonly AnyJob[]): Family => ({
  id,
  summary: id,
  jobs,
  observe: async () => undefined,
  troubleshooting: [],
});

/** The main job of each of the five families, against the types of job/. They are never run. */
export const families: readonly Family[] = [
  notebooks,
  sketch("files", [filesMigrate]),
  sketch("datasets", [datasetsSync]),
  sketch("cosmos", [cosmosLoad]),
  sketch("autoloader", [autoloaderLand]),
];
