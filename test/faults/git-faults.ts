import { cpSync, rmSync } from "node:fs";
import { type Fault, GitServer } from "../contract/git-server.ts";
import { BareRepository } from "../harness/bare-repository.ts";
import { failureOf } from "../harness/client.ts";
import type { BackupOptions, Lab } from "./lab.ts";
import { expectBalanced } from "./lab.ts";
import { expect, type FaultTest } from "./suite.ts";

const PUSH = { service: "git-receive-pack" } as const;
const FETCH = { service: "git-upload-pack" } as const;

interface Case {
  readonly name: string;
  readonly fault: Fault;
  /** Pushed groups before the fault begins; 0: it is there from the start. */
  readonly afterGroups?: number;
  readonly orFailsAs?: readonly string[];
}

const CASES: readonly Case[] = [
  { name: "503 on a push", fault: { ...PUSH, status: 503, times: 2 }, afterGroups: 1 },
  {
    name: "503 on the transfer of a push",
    fault: { ...PUSH, method: "POST", status: 503, times: 1 },
    afterGroups: 1,
  },
  {
    name: "429 with Retry-After on a push",
    fault: { ...PUSH, status: 429, headers: { "retry-after": "1" }, times: 2 },
    afterGroups: 1,
  },
  { name: "a reset on a push", fault: { ...PUSH, method: "POST", reset: true, times: 2 }, afterGroups: 1 },
  {
    name: "an answer to a push that is cut off",
    fault: { ...PUSH, method: "POST", truncate: true, times: 1 },
    afterGroups: 1,
  },
  { name: "a reset on a fetch", fault: { ...FETCH, reset: true, times: 2 } },
  { name: "a slow server", fault: { delayMs: 300 } },
  {
    name: "401 in the middle",
    fault: { ...PUSH, status: 401, times: 1 },
    afterGroups: 2,
    orFailsAs: ["unauthenticated"],
  },
  {
    name: "403 in the middle",
    fault: { ...PUSH, status: 403, times: 4 },
    afterGroups: 2,
    orFailsAs: ["forbidden"],
  },
  { name: "503 for ever", fault: { ...PUSH, status: 503 }, afterGroups: 1, orFailsAs: ["unavailable"] },
];

/** Faults of the git server during a backup on top of another one. */
export function gitFaults(lab: Lab): readonly FaultTest[] {
  return [
    ...CASES.map((one) => overHttp(lab, one)),
    refusingHook(lab, "refs/heads/main", "the target branch"),
    refusingHook(lab, "refs/heads/backup/*", "working branches"),
    fullDisk(lab),
  ];
}

function overHttp(lab: Lab, { name, fault, afterGroups = 0, orFailsAs = [] }: Case): FaultTest {
  const scenario = "incremental";
  return {
    name: `git: ${name}`,
    async run() {
      const server = await GitServer.start();
      try {
        const served = await server.repository("backup");
        rmSync(served.path, { recursive: true });
        cpSync(lab.place.path("before.git"), served.path, { recursive: true });
        served.git("config", "http.receivepack", "true");
        served.git("config", "uploadpack.allowFilter", "true");
        const repository = new BareRepository(served.path);
        let groups = 0;
        if (afterGroups === 0) server.fault(fault);
        const options: BackupOptions = {
          scenario,
          destination: served.url,
          onEvent(event) {
            if (event.type === "sealed" && ++groups === afterGroups) server.fault(fault);
          },
        };
        const result = await (await lab.backup(repository, options)).done;
        const hits = server.heal();
        expect(hits > 0, "The fault was never met.");
        let what = "right all the same";
        if (result.exitCode === 0) expectBalanced(result);
        else {
          const error = result.events.findLast((event) => event.type === "finished")?.error;
          expect(
            orFailsAs.includes(error?.code ?? ""),
            `It should have ended otherwise: ${failureOf(result)}`,
          );
          what = `${error?.code}, the next run was right`;
          await lab.succeed(repository, { scenario, destination: served.url });
        }
        lab.expectClean(repository, scenario);
        return `${hits} hits, ${what}`;
      } finally {
        await server.close();
      }
    },
  };
}

function refusingHook(lab: Lab, ref: string, what: string): FaultTest {
  return {
    name: `git: a hook that refuses ${what}`,
    async run() {
      const repository = lab.repository("full");
      repository.hook("update", `case "$1" in ${ref}) echo "not allowed here" >&2; exit 1;; esac`);
      const result = await (await lab.backup(repository)).done;
      const error = result.events.findLast((event) => event.type === "finished")?.error;
      expect(
        result.exitCode === 1 && error?.code === "forbidden",
        `It should be refused: ${failureOf(result)}`,
      );
      repository.hook("update", undefined);
      await lab.succeed(repository);
      lab.expectClean(repository, "full");
      lab.discard(repository);
      return `${error?.message} The next run was right`;
    },
  };
}

/** No process of the run can write a file above a size, as on a disk that is full. */
function fullDisk(lab: Lab): FaultTest {
  return {
    name: "a disk that is full",
    async run() {
      const repository = lab.repository("full");
      // In blocks of 512 bytes, as POSIX counts them: enough for the program to start, too little for the objects.
      const result = await (await lab.backup(repository, { before: "ulimit -f 600" })).done;
      const error = result.events.findLast((event) => event.type === "finished")?.error;
      expect(result.exitCode === 1 && error !== undefined, `It should fail by name: ${failureOf(result)}`);
      await lab.succeed(repository);
      lab.expectClean(repository, "full");
      lab.discard(repository);
      return `${error.code}: ${error.message}`;
    },
  };
}
