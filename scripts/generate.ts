/**
 * Writes what is made from the definitions: the schema of `lakeferry.yml` and the tables of the READMEs.
 * `npm run generate`; with `-- --check` it writes nothing, and exits 1 naming the files that are stale.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { definitions } from "../core/src/app/definitions.ts";
import { DEFAULT_RETENTION, DEFAULT_STATE } from "../core/src/config/config.ts";
import { configSchemaText } from "../core/src/render/config-schema.ts";
import { between, connectionTables, inputTables, jobsTable } from "../core/src/render/readme-tables.ts";

const { families, connectors } = definitions;
const root = new URL("../", import.meta.url);

/** What a file should be, from what it is. */
const files: Readonly<Record<string, (now: string) => string>> = {
  "core/schema/lakeferry.schema.json": () =>
    configSchemaText({ families, connectors, state: DEFAULT_STATE, retention: DEFAULT_RETENTION }),
  "README.md": tables,
  "core/README.md": tables,
};

function tables(page: string): string {
  const withJobs = between(page, "jobs", jobsTable(families));
  const withInputs = between(withJobs, "inputs", inputTables(families, connectors));
  return between(withInputs, "connections", connectionTables(connectors));
}

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const [name, make] of Object.entries(files)) {
  const file = new URL(name, root);
  const now = await readFile(file, "utf8").catch(() => "");
  const wanted = make(now);
  if (now === wanted) continue;
  stale.push(name);
  if (check) continue;
  await mkdir(new URL(".", file), { recursive: true });
  await writeFile(file, wanted);
}
for (const name of stale) console.log(check ? `stale: ${name}` : `written: ${name}`);
if (stale.length === 0) console.log("Everything that is generated is up to date.");
else if (check) {
  console.log("Run npm run generate, and commit what it writes.");
  process.exitCode = 1;
}
