import { cpSync, rmSync } from "node:fs";
import type { Mutation } from "@lakeferry/sandbox";
import type { RunEvent } from "../../core/src/job/events.ts";
import { BareRepository } from "../harness/bare-repository.ts";
import { type Client, type ClientResult, failureOf, startClient } from "../harness/client.ts";
import { SandboxProcess } from "../harness/sandbox-process.ts";
import { Workplace } from "../harness/workplace.ts";
import { expect } from "./suite.ts";

/** Files in a commit: small, so that a backup of a few notebooks has many pushes. */
const COMMIT_SIZE = 10;
const INCREMENTAL_COMMIT_SIZE = 2;
const CHANGES = { seed: 7, changed: 400, deleted: 40, renamed: 20, added: 20 };

/**
 * Generated notebooks whose archive form is a few bytes off their single form (carriage returns, bare `MAGIC` lines, hidden
 * titles, a missing last line end). Which of the two a backup takes depends on the samples, so that two right backups can differ in them.
 */
const LOSSY = /\/(?:crlf|bare_magic|hidden_title|no_line_end|only_header)$/;

/** The start of a backup: from nothing, or on a backup of the workspace as it was before many changes. */
export type Scenario = "full" | "incremental";

/** What a run without faults made of the same workspace. */
interface Clean {
  readonly tree: string;
  readonly manifest: string;
  readonly files: number;
  /** Milliseconds from the first sealed group to the publication, and how many groups were sealed. */
  readonly spanMs: number;
  readonly groups: number;
}

export interface BackupOptions {
  readonly scenario?: Scenario;
  /** Default: the repository's path. */
  readonly destination?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly before?: string;
  readonly onEvent?: (event: RunEvent) => void;
}

/** A workspace, what a clean backup of it is, and runs to be disturbed. */
export class Lab {
  readonly sandbox: SandboxProcess;
  readonly place: Workplace;
  readonly objects: number;
  readonly #clean = new Map<Scenario, Clean>();
  #mutation: Mutation | undefined;
  #made = 0;

  private constructor(sandbox: SandboxProcess, place: Workplace, objects: number) {
    this.sandbox = sandbox;
    this.place = place;
    this.objects = objects;
  }

  /** Starts a sandbox with a workspace of about `notebooks` objects and makes the backups that others are compared with. */
  static async open(notebooks: number): Promise<Lab> {
    const place = await Workplace.open("faults");
    const sandbox = await SandboxProcess.start([]);
    const lab = new Lab(sandbox, place, notebooks);
    try {
      await sandbox.generate({ notebooks, engagements: Math.ceil(notebooks / 40), hostile: true });
      for (const { path, object_type } of await sandbox.tree("/Clients"))
        if (object_type === "NOTEBOOK" && LOSSY.test(path)) await sandbox.remove(path);
      await lab.#cleanRun("before", undefined, "full");
      const share = (n: number) => Math.round((n * Math.min(notebooks, 1500)) / 1500);
      const { seed, ...counts } = CHANGES;
      lab.#mutation = await sandbox.mutate({
        seed,
        ...Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, share(n)])),
      });
      lab.#clean.set("full", await lab.#cleanRun("clean-full", undefined, "full"));
      lab.#clean.set("incremental", await lab.#cleanRun("clean-incremental", "before", "incremental"));
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    await this.place.close();
  }

  clean(scenario: Scenario): Clean {
    return this.#clean.get(scenario)!;
  }

  /** What is changed between the backup that `incremental` begins on and now. */
  get mutation(): Mutation {
    return this.#mutation!;
  }

  /** A repository as the scenario begins with it. */
  repository(scenario: Scenario): BareRepository {
    const path = this.place.path(`repository-${++this.#made}.git`);
    if (scenario === "incremental") cpSync(this.place.path("before.git"), path, { recursive: true });
    return new BareRepository(path);
  }

  /** Throws a repository away: there are many. */
  discard({ path }: BareRepository): void {
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Starts a backup as another machine would: in an empty folder, with an empty folder for temporary files, no state. */
  async backup(repository: BareRepository, o: BackupOptions = {}): Promise<Client> {
    const { scenario = "full", destination = repository.path } = o;
    const size = scenario === "full" ? COMMIT_SIZE : INCREMENTAL_COMMIT_SIZE;
    return this.client(
      [
        ...["notebooks", "backup", "--path", "/Clients", "--destination", destination],
        ...["--commit-size", String(size), ...(o.args ?? [])],
      ],
      o,
    );
  }

  async client(args: readonly string[], o: Omit<BackupOptions, "args" | "scenario">): Promise<Client> {
    const { cwd, tmp } = await this.place.runner();
    return startClient({
      args: [...args, "--json"],
      cwd,
      env: { ...this.sandbox.env, TMPDIR: tmp, ...o.env },
      ...(o.before === undefined ? {} : { before: o.before }),
      ...(o.onEvent ? { onEvent: o.onEvent } : {}),
    });
  }

  /** A backup that must succeed. */
  async succeed(repository: BareRepository, o: BackupOptions = {}): Promise<ClientResult> {
    const result = await (await this.backup(repository, o)).done;
    expect(result.exitCode === 0, `The backup failed: ${failureOf(result)}`);
    expectBalanced(result);
    return result;
  }

  /** Compares what is at the destination with the clean run: contents, history and what must not be left. */
  expectClean(repository: BareRepository, scenario: Scenario, beginnings = 1): void {
    const clean = this.clean(scenario);
    const manifest = repository.manifest("main");
    const wanted = new Set(clean.manifest.split("\n"));
    const found = new Set(manifest);
    const missing = [...wanted].filter((line) => !found.has(line));
    const extra = manifest.filter((line) => !wanted.has(line));
    expect(
      manifest.join("\n") === clean.manifest,
      `The manifest differs from that of a clean run: ${missing.length} lines are missing, ${extra.length} are more, such as\n- ${missing[0]}\n+ ${extra[0]}`,
    );
    const files = repository.files("main").size;
    expect(files === clean.files, `There are ${files} files; a clean run has ${clean.files}.`);
    const tree = repository.git("rev-parse", "main^{tree}");
    expect(tree === clean.tree, `The tree is ${tree}; that of a clean run is ${clean.tree}.`);
    expectTidy(repository);
    expectOwnHistory(repository, beginnings);
  }

  async #cleanRun(name: string, from: string | undefined, scenario: Scenario): Promise<Clean> {
    const path = this.place.path(`${name}.git`);
    if (from) cpSync(this.place.path(`${from}.git`), path, { recursive: true });
    const repository = new BareRepository(path);
    let firstAt = 0;
    let lastAt = 0;
    let groups = 0;
    await this.succeed(repository, {
      scenario,
      onEvent(event) {
        if (event.type === "sealed" && event.phase !== "publish") {
          firstAt ||= performance.now();
          groups += 1;
        }
        if (event.type === "phase" && event.phase === "publish") lastAt = performance.now();
      },
    });
    expectTidy(repository);
    expectOwnHistory(repository, 1);
    return {
      tree: repository.git("rev-parse", "main^{tree}"),
      manifest: repository.manifest("main").join("\n"),
      files: repository.files("main").size,
      spanMs: lastAt - firstAt,
      groups,
    };
  }
}

/** Both equations were stated, and hold. */
export function expectBalanced(result: ClientResult): void {
  const stated = result.events.filter((event) => event.type === "reconciled");
  expect(
    stated.length >= 2 && stated.every(({ holds }) => holds),
    "The equations were not stated, or do not hold.",
  );
}

/** Nothing is left of a run: no working branch, no lease. */
export function expectTidy(repository: BareRepository): void {
  const left = [...repository.refs().keys()].filter(
    (name) => name !== "refs/heads/main" && !name.startsWith("refs/tags/backup/"),
  );
  expect(left.length === 0, `Refs were left over: ${left.join(", ")}`);
}

/** Every commit of the target and of the tags is reachable from the head, is of this backup, and is whole; there is one beginning, or one for each shard. */
function expectOwnHistory(repository: BareRepository, beginnings: number): void {
  const commits = repository.git(
    "log",
    "--format=%H %(trailers:key=Lakeferry-Backup,valueonly,separator=%x2C)",
    "main",
  );
  const keys = new Set(commits.split("\n").map((line) => line.split(" ")[1] ?? ""));
  expect(keys.size === 1 && !keys.has(""), "The branch has commits that are not of this backup.");
  const roots = repository.git("rev-list", "--max-parents=0", "main").split("\n");
  expect(roots.length <= beginnings, `The branch has ${roots.length} beginnings.`);
  for (const tag of repository.refs("refs/tags/").keys())
    repository.git("merge-base", "--is-ancestor", `${tag}^{commit}`, "main");
  repository.git("fsck", "--connectivity-only", "--no-dangling");
}
