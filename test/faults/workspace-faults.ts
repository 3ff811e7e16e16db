import type { FaultRule } from "@lakeferry/sandbox";
import { failureOf } from "../harness/client.ts";
import type { BackupOptions, Lab, Scenario } from "./lab.ts";
import { expectBalanced } from "./lab.ts";
import { expect, type FaultTest } from "./suite.ts";

const LIST = { endpoint: "GET /api/2.0/workspace/list" } as const;
const EXPORT = { endpoint: "GET /api/2.0/workspace/export" } as const;
const LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>";

interface Case {
  readonly name: string;
  readonly rules: readonly FaultRule[];
  readonly scenario?: Scenario;
  readonly options?: BackupOptions;
  /** Codes of failures that are a right answer too; without any, the backup must succeed. */
  readonly orFailsAs?: readonly string[];
}

/** Faults of the workspace that a backup must survive, or fail of by name, so that the next one is right. */
const CASES = (lab: Lab): readonly Case[] => [
  {
    name: "429 with Retry-After on exports",
    rules: [{ ...EXPORT, kind: "status", status: 429, retryAfter: 1, nth: 5, count: 6 }],
  },
  {
    name: "429 with Retry-After on listings",
    rules: [{ ...LIST, kind: "status", status: 429, retryAfter: 1, nth: 3, count: 3 }],
  },
  {
    name: "503 now and then",
    rules: [{ kind: "status", status: 503, probability: 0.1, count: 20, seed: 3 }],
  },
  {
    name: "500 now and then",
    rules: [{ kind: "status", status: 500, probability: 0.1, count: 20, seed: 4 }],
  },
  {
    name: "a reset before the answer",
    rules: [{ kind: "reset", after: 0, probability: 0.1, count: 10, seed: 5 }],
  },
  {
    name: "a reset in the middle of an export",
    rules: [{ ...EXPORT, kind: "reset", after: 700, probability: 0.3, count: 12, seed: 6 }],
  },
  {
    name: "a reset in the middle of a listing",
    rules: [{ ...LIST, kind: "reset", after: 100, probability: 0.3, count: 10, seed: 7 }],
  },
  {
    name: "a truncated export",
    rules: [{ ...EXPORT, kind: "truncate", probability: 0.3, count: 12, seed: 8 }],
  },
  {
    name: "a truncated listing",
    rules: [{ ...LIST, kind: "truncate", probability: 0.3, count: 10, seed: 9 }],
  },
  {
    name: "an archive cut short, with a length that agrees",
    rules: [{ ...EXPORT, kind: "short", path: "/NOTEBOOKS&", nth: 3, count: 4 }],
  },
  {
    name: "a listing cut short, with a length that agrees",
    rules: [{ ...LIST, kind: "short", nth: 3, count: 2 }],
    orFailsAs: ["corrupt", "unavailable"],
  },
  {
    name: "a corrupt byte in an archive",
    rules: [{ ...EXPORT, kind: "corrupt", path: "/NOTEBOOKS&", nth: 2, count: 6 }],
  },
  { name: "slow answers", rules: [{ kind: "slow", ms: 20, chunk: 4096, probability: 0.2, seed: 10 }] },
  { name: "late answers", rules: [{ kind: "latency", ms: 400, probability: 0.2, seed: 11 }] },
  {
    name: "tokens that end in the middle",
    rules: [{ kind: "expire-tokens", nth: 30, count: 1 }],
    options: { env: { ...lab.sandbox.oauthEnv, DATABRICKS_TOKEN: "" } },
  },
  {
    name: "a login page instead of a listing",
    rules: [{ ...LIST, kind: "status", status: 200, body: LOGIN_PAGE, nth: 4, count: 1 }],
    orFailsAs: ["corrupt", "unauthenticated", "unavailable"],
  },
  {
    name: "a login page instead of exports",
    rules: [{ ...EXPORT, kind: "status", status: 200, body: LOGIN_PAGE, nth: 4, count: 3 }],
    orFailsAs: ["corrupt", "unauthenticated", "unavailable"],
  },
  {
    name: "a login page for everything",
    rules: [{ kind: "status", status: 200, body: LOGIN_PAGE }],
    orFailsAs: ["corrupt", "unauthenticated", "unavailable", "not-supported"],
  },
  {
    name: "403 on a listing",
    rules: [{ ...LIST, kind: "status", status: 403, errorCode: "PERMISSION_DENIED", nth: 9 }],
    orFailsAs: ["forbidden", "partial"],
  },
  {
    name: "503 for all exports of a year",
    rules: [{ ...EXPORT, kind: "status", status: 503, path: "/Clients/2023/" }],
    scenario: "incremental",
    orFailsAs: ["unavailable", "partial"],
  },
];

export function workspaceFaults(lab: Lab): readonly FaultTest[] {
  return [...CASES(lab).map((one) => fault(lab, one)), failingObject(lab), staleReads(lab), unnoticed(lab)];
}

function fault(lab: Lab, { name, rules, scenario = "full", options = {}, orFailsAs = [] }: Case): FaultTest {
  return {
    name: `${name} (${scenario})`,
    async run() {
      const repository = lab.repository(scenario);
      await lab.sandbox.faults(...rules);
      const result = await (await lab.backup(repository, { scenario, ...options })).done;
      const hits = await lab.sandbox.faultHits();
      await lab.sandbox.faults();
      expect(hits > 0, "The fault was never met.");
      let what = "right all the same";
      if (result.exitCode === 0) expectBalanced(result);
      else {
        const finished = result.events.findLast((event) => event.type === "finished");
        const code = finished?.outcome === "partial" ? "partial" : (finished?.error?.code ?? "no name");
        expect(orFailsAs.includes(code), `It should have ended otherwise: ${failureOf(result)}`);
        what = code === "partial" ? partial(result) : `${code}: ${finished?.error?.message}`;
        await lab.succeed(repository, { scenario });
        what += ", the next run was right";
      }
      lab.expectClean(repository, scenario);
      lab.discard(repository);
      return `${hits} hits, ${what}`;
    },
  };
}

function partial(result: { exitCode: number; events: readonly { type: string }[] }): string {
  expect(result.exitCode === 3, `A partial run ended with exit code ${result.exitCode}.`);
  return "exit code 3";
}

/** An object that can never be exported: the run says its name and ends with exit code 3, and everything else is there. */
function failingObject(lab: Lab): FaultTest {
  return {
    name: "one object that never exports",
    async run() {
      const scenario = "incremental";
      const repository = lab.repository(scenario);
      const changed = lab.mutation.changed.find((path) => !/[^\w/ -]/.test(path))!;
      const folder = changed.slice(0, changed.lastIndexOf("/"));
      const failing = { ...EXPORT, kind: "status", status: 500, errorCode: "INTERNAL_ERROR" } as const;
      await lab.sandbox.faults(
        { ...failing, path: `path=${changed}(&|$)` },
        {
          ...EXPORT,
          kind: "status",
          status: 400,
          errorCode: "MAX_NOTEBOOK_SIZE_EXCEEDED",
          path: `path=${folder}(&|$)`,
        },
      );
      const result = await (await lab.backup(repository, { scenario })).done;
      const hits = await lab.sandbox.faultHits();
      await lab.sandbox.faults();
      expect(hits > 0, "The fault was never met.");
      expect(result.exitCode === 3, `It should be partial: ${failureOf(result)}`);
      expectBalanced(result);
      const rejected = result.events.flatMap((event) =>
        event.type === "step-finished" ? event.rejected : [],
      );
      expect(
        rejected.length === 1 && rejected[0]!.item === changed,
        `${rejected.map(({ item }) => item).join(", ") || "Nothing"} was named, not ${changed}.`,
      );
      await lab.succeed(repository, { scenario });
      lab.expectClean(repository, scenario);
      lab.discard(repository);
      return `${changed} was named, the next run took it`;
    },
  };
}

/** The workspace answers a first read as before a change. What such a run misses, a later one has. */
function staleReads(lab: Lab): FaultTest {
  return {
    name: "listings that are behind",
    async run() {
      const repository = lab.repository("full");
      await lab.succeed(repository);
      const path = `${lab.mutation.changed[0]}_late`;
      await lab.sandbox.faults({ ...LIST, kind: "stale" });
      await lab.sandbox.touch({
        path,
        content: "# Databricks notebook source\nprint('late')\n",
        language: "PYTHON",
      });
      try {
        await lab.succeed(repository);
        const hits = await lab.sandbox.faultHits();
        expect(hits > 0, "The fault was never met.");
        expect(!manifestHas(repository.manifest("main"), path), "The fault hid nothing.");
        await lab.succeed(repository);
        expect(manifestHas(repository.manifest("main"), path), `The next run did not see ${path}.`);
        return `${hits} hits, the next run was right`;
      } finally {
        await lab.sandbox.faults();
        await lab.sandbox.remove(path);
        lab.discard(repository);
      }
    },
  };
}

/**
 * A single export that is cut short with a length that agrees looks like a shorter notebook: the API gives neither a
 * size nor a hash of a notebook to compare with. A backup cannot notice it; verifying it does.
 */
function unnoticed(lab: Lab): FaultTest {
  return {
    name: "a single export cut short, with a length that agrees",
    async run() {
      const repository = lab.repository("full");
      await lab.sandbox.faults({ ...EXPORT, kind: "short", path: "format=SOURCE", nth: 20 });
      await lab.succeed(repository, { args: ["--no-archives"] });
      const hits = await lab.sandbox.faultHits();
      await lab.sandbox.faults();
      expect(hits === 1, "The fault was never met.");
      const verify = ["notebooks", "verify", "--backup", repository.path];
      const result = await (await lab.client(verify, {})).done;
      const findings = result.events.filter((event) => event.type === "finding");
      expect(
        result.exitCode === 1 && findings.length === 1,
        `The verification found ${findings.length}: ${failureOf(result)}`,
      );
      lab.discard(repository);
      return `a backup cannot notice it, the verification named ${findings[0]!.item}`;
    },
  };
}

const manifestHas = (lines: readonly string[], path: string) =>
  lines.some((line) => JSON.parse(line).path === path.slice("/Clients/".length));
