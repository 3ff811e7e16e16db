import { BareRepository } from "../harness/bare-repository.ts";
import { type ClientResult, failureOf, startClient } from "../harness/client.ts";
import { SandboxProcess } from "../harness/sandbox-process.ts";
import { Workplace } from "../harness/workplace.ts";

const CASES = ["full", "incremental", "unchanged", "full-quota"] as const;
type Case = (typeof CASES)[number];

/** The change of the case `incremental`, of 70,000 notebooks; smaller workspaces have their share of it. */
const CHANGES = { changed: 3500, deleted: 50, renamed: 20 };
const OF = 70_000;
const NOTEBOOKS_PER_ENGAGEMENT = 50;

export interface BenchRow {
  readonly bench: string;
  readonly case: string;
  readonly notebooks: number;
  readonly seconds: number;
  readonly rss_mb: number;
  readonly api_calls: number;
  readonly mb_transferred: number;
  readonly [more: string]: string | number;
}

export interface BenchOptions {
  /** All of them when undefined, in their order; `full` runs before those that need a backup. */
  readonly cases: readonly string[] | undefined;
  readonly notebooks: number;
  readonly runs: number;
  readonly directoryExport: "source-zip" | "dbc";
  readonly bundled: boolean;
  tell(row: BenchRow): void;
}

/** `notebooks-backup` on a whole workspace: from an empty folder each time, with a sandbox in another process that counts. */
export async function benchNotebooksBackup(o: BenchOptions): Promise<void> {
  const cases = (o.cases ?? CASES) as readonly Case[];
  const unknown = cases.find((one) => !CASES.includes(one));
  if (unknown) throw new Error(`There is no case "${unknown}"; there are ${CASES.join(", ")}.`);
  const place = await Workplace.open("bench");
  const engagements = Math.max(1, Math.round(o.notebooks / NOTEBOOKS_PER_ENGAGEMENT));
  const sandbox = await SandboxProcess.start([
    ...["--notebooks", String(o.notebooks), "--engagements", String(engagements), "--big", "--hostile"],
    ...["--directory-export", o.directoryExport, "--warm", o.directoryExport],
  ]);
  try {
    for (let run = 1; run <= o.runs; run++) await round(o, new Set(cases), { place, sandbox, run });
  } finally {
    await sandbox.close();
    await place.close();
  }
}

async function round(
  o: BenchOptions,
  cases: ReadonlySet<Case>,
  { place, sandbox, run }: { place: Workplace; sandbox: SandboxProcess; run: number },
): Promise<void> {
  const measure = async (name: Case, repository: BareRepository, told: boolean) => {
    await sandbox.resetStats();
    const { cwd, tmp } = await place.runner();
    const result = await startClient({
      args: ["notebooks", "backup", "--destination", repository.path, "--path", "/Clients", "--json"],
      cwd,
      env: { ...sandbox.env, TMPDIR: tmp },
      bundled: o.bundled,
      measure: true,
    }).done;
    const stats = await sandbox.stats();
    const objects = await assertRight(name, result, sandbox, repository);
    const requests = (endpoint: string) => stats.requests[`GET /api/2.0/workspace/${endpoint}`] ?? 0;
    if (!told) return;
    o.tell({
      bench: "notebooks-backup",
      case: name,
      notebooks: objects,
      seconds: rounded(result.seconds, 2),
      rss_mb: Math.round(result.rssMb),
      api_calls: stats.total,
      mb_transferred: rounded((stats.bytesSent + stats.bytesReceived) / 1e6, 1),
      git_rss_mb: Math.round(result.childrenRssMb),
      directory_export: o.directoryExport,
      exports: requests("export"),
      lists: requests("list"),
      exit_code: result.exitCode,
    });
  };
  const full = new BareRepository(place.path(`full-${run}.git`));
  const needed = cases.has("incremental") || cases.has("unchanged");
  if (cases.has("full") || needed) await measure("full", full, cases.has("full"));
  if (cases.has("incremental")) {
    const share = (n: number) => Math.round((n * Math.min(o.notebooks, OF)) / OF);
    const { changed, deleted, renamed } = CHANGES;
    await sandbox.mutate({
      seed: run,
      changed: share(changed),
      deleted: share(deleted),
      renamed: share(renamed),
    });
    await measure("incremental", full, true);
  }
  if (cases.has("unchanged")) await measure("unchanged", full, true);
  if (cases.has("full-quota")) {
    await sandbox.settings({ rateLimits: true });
    await measure("full-quota", new BareRepository(place.path(`quota-${run}.git`)), true);
    await sandbox.settings({ rateLimits: false });
  }
}

/** A figure is worth something only when the backup is right: every object is in the manifest, or was named as failed. */
async function assertRight(
  name: Case,
  result: ClientResult,
  sandbox: SandboxProcess,
  repository: BareRepository,
): Promise<number> {
  const wrong = (reason: string): never => {
    throw new Error(`The case ${name} is wrong: ${reason}`);
  };
  if (result.exitCode !== 0 && result.exitCode !== 3) wrong(failureOf(result));
  const equations = result.events.filter((event) => event.type === "reconciled");
  if (equations.length < 2 || equations.some(({ holds }) => !holds)) wrong("an equation does not hold");
  const failed = result.events
    .filter((event) => event.type === "step-finished")
    .reduce((sum, { rejected }) => sum + rejected.length, 0);
  if (failed > 0 !== (result.exitCode === 3)) wrong(`exit code ${result.exitCode} with ${failed} failures`);
  const kinds = new Set(["NOTEBOOK", "FILE", "DASHBOARD"]);
  const objects = (await sandbox.tree("/Clients")).filter(({ object_type }) => kinds.has(object_type)).length;
  const entries = repository.manifest("main").length;
  if (entries + failed !== objects)
    wrong(`${objects} objects, but ${entries} entries in the manifest and ${failed} failed`);
  if (repository.refs("refs/heads/backup/").size > 0) wrong("a working branch was left over");
  if (name === "unchanged" && result.events.some((event) => event.type === "sealed" && event.items > 0))
    wrong("something was written");
  return objects;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
