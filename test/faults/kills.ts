import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunEvent } from "../../core/src/job/events.ts";
import type { BareRepository } from "../harness/bare-repository.ts";
import type { Client, ClientResult } from "../harness/client.ts";
import { failureOf } from "../harness/client.ts";
import { descendants, exists, kill9 } from "../harness/processes.ts";
import type { Lab, Scenario } from "./lab.ts";
import { expect, type FaultTest } from "./suite.ts";

/**
 * `tree`: the client and all it started. `orphans`: the client alone; its git goes on and ends what it does before the
 * next run. `late`: the same, and the held push of it arrives while the next run is at work.
 */
type How = "tree" | "orphans" | "late";

const GONE_WITHIN_MS = 10_000;
const RUNS_AT_MOST = 4;

/** Kills a client, and gives what it had started and was left alive. */
function kill(client: Client, how: How): number[] {
  const below = descendants(client.pid);
  kill9(client.pid);
  if (how === "tree") for (const pid of below) kill9(pid);
  return below;
}

/** What a dead client started must end by itself: it holds a disk, a connection, a lock. */
async function expectGone(pids: readonly number[]): Promise<void> {
  const until = Date.now() + GONE_WITHIN_MS;
  while (pids.some(exists)) {
    if (Date.now() > until) {
      const left = pids.filter(exists);
      for (const pid of left) kill9(pid);
      throw new Error(`${left.length} processes of the killed client were still there after 10 s.`);
    }
    await pause(50);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the command again, each time as on another machine, until it succeeds; a first try may say why it cannot. */
async function again(
  lab: Lab,
  repository: BareRepository,
  scenario: Scenario,
  onPrepared?: () => void,
): Promise<number> {
  for (let run = 1; ; run++) {
    const client = await lab.backup(repository, {
      scenario,
      onEvent(event) {
        if (event.type === "forecast") onPrepared?.();
      },
    });
    const result = await client.done;
    if (result.exitCode === 0) return run;
    expect(run < RUNS_AT_MOST, `The same command does not succeed any more: ${failureOf(result)}`);
    expect(result.exitCode === 1 && namedFailure(result), `A failure without a name: ${failureOf(result)}`);
  }
}

function namedFailure(result: ClientResult): boolean {
  const finished = result.events.findLast((event) => event.type === "finished");
  return finished?.error !== undefined && finished.error.code !== "internal";
}

/** A place in a push where the remote waits until it is let go, so that a kill hits exactly there. */
class Gate {
  readonly #folder: string;

  /** @param nth which push of a ref that matches the pattern (of `case`) is held */
  constructor(
    lab: Lab,
    repository: BareRepository,
    o: { hook: "pre-receive" | "post-receive"; ref: string; nth: number },
  ) {
    this.#folder = lab.place.path(`gate-${Math.random().toString(36).slice(2)}`);
    mkdirSync(this.#folder);
    repository.hook(
      o.hook,
      [
        `cd "${this.#folder}"`,
        "hit=",
        `while read -r old new ref; do case "$ref" in ${o.ref}) hit=1;; esac; done`,
        '[ -n "$hit" ] || exit 0',
        "n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count",
        `[ $n -eq ${o.nth} ] || exit 0`,
        ": > reached",
        "while [ ! -e open ]; do sleep 0.05; done",
      ].join("\n"),
    );
  }

  async reached(client: Client): Promise<void> {
    let ended: ClientResult | undefined;
    client.done.then((result) => {
      ended = result;
    });
    while (!existsSync(join(this.#folder, "reached"))) {
      if (ended) throw new Error(`The client ended before it was killed: ${failureOf(ended)}`);
      await pause(5);
    }
  }

  open(): void {
    if (existsSync(this.#folder)) writeFileSync(join(this.#folder, "open"), "");
  }

  remove(): void {
    this.open();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function killAtPush(
  lab: Lab,
  scenario: Scenario,
  where: { hook: "pre-receive" | "post-receive"; ref: string; nth: number },
  how: How,
): FaultTest {
  const side = where.hook === "pre-receive" ? "before" : "after";
  const what = where.ref.includes("backup") ? `push ${where.nth} of the working branch` : "the publication";
  return {
    name: `kill ${side} the remote confirms ${what} (${scenario}, ${how})`,
    async run() {
      const repository = lab.repository(scenario);
      const gate = new Gate(lab, repository, where);
      try {
        const client = await lab.backup(repository, { scenario });
        await gate.reached(client);
        const left = kill(client, how);
        await client.done;
        if (how === "late") {
          const runs = await again(lab, repository, scenario, () => gate.open());
          await expectGone(left);
          lab.expectClean(repository, scenario);
          await lab.succeed(repository, { scenario });
          lab.expectClean(repository, scenario);
          return `the push came late, ${countRuns(runs)}`;
        }
        gate.open();
        await expectGone(left);
        const runs = await again(lab, repository, scenario);
        lab.expectClean(repository, scenario);
        return countRuns(runs);
      } finally {
        gate.remove();
        lab.discard(repository);
      }
    },
  };
}

function killAtEvent(
  lab: Lab,
  scenario: Scenario,
  name: string,
  matches: (event: RunEvent) => boolean,
  nth: number,
  how: How,
): FaultTest {
  return {
    name: `kill at ${name} (${scenario}, ${how})`,
    async run() {
      const repository = lab.repository(scenario);
      let seen = 0;
      let left: number[] | undefined;
      const client: Client = await lab.backup(repository, {
        scenario,
        onEvent(event) {
          if (matches(event) && ++seen === nth) left = kill(client, how);
        },
      });
      const result = await client.done;
      expect(left !== undefined && result.signal === "SIGKILL", `It was not killed: ${failureOf(result)}`);
      await expectGone(left);
      const runs = await again(lab, repository, scenario);
      lab.expectClean(repository, scenario);
      lab.discard(repository);
      return countRuns(runs);
    },
  };
}

function killAtRequest(
  lab: Lab,
  scenario: Scenario,
  nth: number,
  when: "before" | "applied" | "after",
): FaultTest {
  return {
    name: `kill at export ${nth}, ${when} its answer (${scenario})`,
    async run() {
      const repository = lab.repository(scenario);
      const client = await lab.backup(repository, { scenario });
      await lab.sandbox.faults({
        kind: "kill",
        pid: client.pid,
        endpoint: "GET /api/2.0/workspace/export",
        nth,
        when,
      });
      const result = await client.done;
      const hits = await lab.sandbox.faultHits();
      await lab.sandbox.faults();
      expect(hits === 1 && result.signal === "SIGKILL", `It was not killed: ${failureOf(result)}`);
      const runs = await again(lab, repository, scenario);
      lab.expectClean(repository, scenario);
      lab.discard(repository);
      return countRuns(runs);
    },
  };
}

/**
 * Kills at a random moment between the first commit that the remote has and the publication. A kill before or after
 * that does not count: the moment is drawn again.
 */
function killAtRandom(
  lab: Lab,
  scenario: Scenario,
  index: number,
  of: number,
  random: () => number,
): FaultTest {
  const how = random() < 0.5 ? "tree" : "orphans";
  return {
    name: `kill at a random time ${index + 1}/${of} (${scenario}, ${how})`,
    async run() {
      const { spanMs } = lab.clean(scenario);
      for (let tries = 1; tries <= 8; tries++) {
        const share = tries === 1 ? (index + random()) / of : random();
        const repository = lab.repository(scenario);
        try {
          const left: number[] = [];
          let armed = false;
          const client: Client = await lab.backup(repository, {
            scenario,
            onEvent(event) {
              if (event.type !== "sealed" || armed) return;
              armed = true;
              setTimeout(() => left.push(...kill(client, how)), share * spanMs);
            },
          });
          const { main: before } = Object.fromEntries(heads(repository));
          const result = await client.done;
          await expectGone(left);
          const { main: after, ...working } = Object.fromEntries(heads(repository));
          if (result.signal !== "SIGKILL" || before !== after || Object.keys(working).length === 0) continue;
          const at = `${Math.round(share * 100)} % of the way`;
          const twice = random() < 0.4 ? await killOnceMore(lab, repository, scenario, random) : "";
          const runs = await again(lab, repository, scenario);
          lab.expectClean(repository, scenario);
          return `${at}${twice}, ${countRuns(runs)}`;
        } finally {
          lab.discard(repository);
        }
      }
      throw new Error("No kill met the time between the first commit and the last.");
    },
  };
}

/** The run that goes on is killed too, whenever that is. */
async function killOnceMore(
  lab: Lab,
  repository: BareRepository,
  scenario: Scenario,
  random: () => number,
): Promise<string> {
  const client = await lab.backup(repository, { scenario });
  const timer = setTimeout(() => kill(client, "tree"), 500 + random() * (1000 + lab.clean(scenario).spanMs));
  const { signal } = await client.done;
  clearTimeout(timer);
  return signal === "SIGKILL" ? " and once more" : "";
}

function heads(repository: BareRepository): [string, string][] {
  return [...repository.refs("refs/heads/")].map(([name, oid]) => [name.slice("refs/heads/".length), oid]);
}

const countRuns = (runs: number) => (runs === 1 ? "the next run ended it" : `${runs} more runs ended it`);

function killRestore(
  lab: Lab,
  at: { nth: number; when: "before" | "applied" | "after" } | "step",
): FaultTest {
  const name = at === "step" ? "after a finished step" : `at import ${at.nth}, ${at.when} its answer`;
  return {
    name: `kill a restore ${name}`,
    async run() {
      const target = `/Restored-${Math.random().toString(36).slice(2)}`;
      const args = [
        ...["notebooks", "restore", "--backup", lab.place.path("clean-full.git")],
        ...["--target", target, "--include", "/Clients/2024/**"],
      ];
      let killed = false;
      const client: Client = await lab.client(args, {
        onEvent(event) {
          if (at !== "step" || event.type !== "step-finished" || killed) return;
          killed = true;
          kill(client, "tree");
        },
      });
      if (at !== "step")
        await lab.sandbox.faults({
          kind: "kill",
          pid: client.pid,
          endpoint: "POST /api/2.0/workspace/import",
          ...at,
        });
      const result = await client.done;
      await lab.sandbox.faults();
      expect(result.signal === "SIGKILL", `It was not killed: ${failureOf(result)}`);
      const partly = (await contents(lab, target)).size;
      const next = await (await lab.client(args, {})).done;
      expect(next.exitCode === 0, `The restore does not go on: ${failureOf(next)}`);
      const wanted = await contents(lab, "/Clients", (path) => path.startsWith("/2024/"));
      const found = await contents(lab, target);
      expect(partly < wanted.size, "It had ended before it was killed.");
      expect(found.size === wanted.size, `${found.size} objects were restored of ${wanted.size}.`);
      for (const [path, hash] of wanted) expect(found.get(path) === hash, `${path} is not what it was.`);
      return `${partly} of ${wanted.size} objects were there, the next run ended it`;
    },
  };
}

/** Path below the folder, and SHA-256 of the contents. */
async function contents(
  lab: Lab,
  folder: string,
  selected: (path: string) => boolean = () => true,
): Promise<Map<string, string>> {
  const objects = await lab.sandbox.tree(folder).catch(() => []);
  return new Map(
    objects
      .filter(({ object_type, path }) => object_type !== "DIRECTORY" && selected(path.slice(folder.length)))
      .map(({ path, sha256 }) => [path.slice(folder.length), sha256 ?? ""]),
  );
}

/** Kills at each place where the state of the world changes hands. */
export function seamKills(lab: Lab): readonly FaultTest[] {
  const working = "refs/heads/backup/*";
  const publication = "refs/heads/main";
  return [
    killAtPush(lab, "full", { hook: "pre-receive", ref: working, nth: 2 }, "tree"),
    killAtPush(lab, "full", { hook: "pre-receive", ref: working, nth: 3 }, "orphans"),
    killAtPush(lab, "incremental", { hook: "pre-receive", ref: working, nth: 2 }, "late"),
    killAtPush(lab, "full", { hook: "pre-receive", ref: working, nth: 1 }, "late"),
    killAtPush(lab, "incremental", { hook: "post-receive", ref: working, nth: 1 }, "tree"),
    killAtPush(lab, "full", { hook: "post-receive", ref: working, nth: 3 }, "orphans"),
    killAtPush(lab, "full", { hook: "pre-receive", ref: publication, nth: 1 }, "tree"),
    killAtPush(lab, "incremental", { hook: "pre-receive", ref: publication, nth: 1 }, "orphans"),
    killAtPush(lab, "full", { hook: "pre-receive", ref: publication, nth: 1 }, "late"),
    killAtPush(lab, "incremental", { hook: "pre-receive", ref: publication, nth: 1 }, "late"),
    killAtPush(lab, "full", { hook: "post-receive", ref: publication, nth: 1 }, "tree"),
    killAtPush(lab, "incremental", { hook: "post-receive", ref: publication, nth: 1 }, "orphans"),
    killAtEvent(lab, "full", "a sealed group", isSealed, 2, "tree"),
    killAtEvent(lab, "incremental", "a sealed group", isSealed, 3, "orphans"),
    killAtEvent(lab, "full", "the beginning of a seal", isSealing, 3, "tree"),
    killAtEvent(lab, "incremental", "the beginning of a seal", isSealing, 2, "orphans"),
    killAtEvent(lab, "full", "reconcile", ({ type }) => type === "reconciling", 1, "tree"),
    killAtEvent(lab, "incremental", "reconcile", ({ type }) => type === "reconciled", 1, "orphans"),
    killAtRequest(lab, "full", 60, "before"),
    killAtRequest(lab, "incremental", 120, "applied"),
    killRestore(lab, { nth: 100, when: "before" }),
    killRestore(lab, { nth: 150, when: "applied" }),
    killRestore(lab, "step"),
  ];
}

const isSealed = ({ type }: RunEvent) => type === "sealed";
const isSealing = ({ type }: RunEvent) => type === "sealing";

/** Kills at `count` random times, spread over the time between the first commit and the last. */
export function randomKills(lab: Lab, count: number, seed: number): readonly FaultTest[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, i) =>
    killAtRandom(lab, i % 2 === 0 ? "full" : "incremental", i, count, random),
  );
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
