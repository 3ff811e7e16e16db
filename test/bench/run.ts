import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { benchNotebooksBackup } from "./notebooks-backup.ts";

const BENCHES = { "notebooks-backup": benchNotebooksBackup } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    case: { type: "string", multiple: true },
    notebooks: { type: "string", default: "70000" },
    runs: { type: "string", default: "1" },
    "directory-export": { type: "string", default: "source-zip" },
    source: { type: "boolean", default: false },
  },
});
const name = positionals[0] ?? "";
const bench = (BENCHES as Record<string, typeof benchNotebooksBackup>)[name];
if (!bench) {
  process.stderr.write(`There is no bench "${name}"; there are ${Object.keys(BENCHES).join(", ")}.\n`);
  process.exit(2);
}
// What users run is the bundle: it is built first, unless the sources are to be measured.
if (!values.source) {
  const built = spawnSync(process.execPath, ["scripts/build.ts"], { stdio: ["ignore", "ignore", "inherit"] });
  if (built.status !== 0) process.exit(1);
}
const rows: object[] = [];
try {
  await bench({
    cases: values.case,
    notebooks: Number(values.notebooks),
    runs: Number(values.runs),
    directoryExport: values["directory-export"] as "source-zip" | "dbc",
    bundled: !values.source,
    tell: (row) => {
      rows.push(row);
      if (values.json) process.stdout.write(`${JSON.stringify(row)}\n`);
      else process.stderr.write(`${row.case}: ${row.seconds} s, ${row.rss_mb} MB\n`);
    },
  });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
if (!values.json && rows.length > 0) console.table(rows);
