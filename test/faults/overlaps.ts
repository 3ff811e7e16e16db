import { failureOf } from "../harness/client.ts";
import type { Lab } from "./lab.ts";
import { expectBalanced } from "./lab.ts";
import { expect, type FaultTest } from "./suite.ts";

/** Runs at the same time on the same target. */
export function overlaps(lab: Lab): readonly FaultTest[] {
  return [
    {
      name: "a second run begins while the first is at work",
      async run() {
        const repository = lab.repository("full");
        let begun: ReturnType<Lab["backup"]> | undefined;
        const first = await lab.backup(repository, {
          onEvent(event) {
            if (event.type === "phase" && event.phase === "prepare") begun ??= lab.backup(repository);
          },
        });
        const one = await first.done;
        expect(begun !== undefined, "The second run did not begin.");
        const two = await (await begun).done;
        expect(one.exitCode === 0, `The first run failed: ${failureOf(one)}`);
        expectRefused(two);
        lab.expectClean(repository, "full");
        await lab.succeed(repository);
        lab.expectClean(repository, "full");
        lab.discard(repository);
        return "the second was refused, the lease was given back";
      },
    },
    {
      name: "two runs begin at the same moment",
      async run() {
        const repository = lab.repository("incremental");
        const scenario = "incremental";
        const clients = await Promise.all([1, 2].map(() => lab.backup(repository, { scenario })));
        const results = await Promise.all(clients.map(({ done }) => done));
        const won = results.filter(({ exitCode }) => exitCode === 0);
        expect(won.length >= 1, `Both failed: ${results.map(failureOf).join("; ")}`);
        for (const result of results) if (result.exitCode !== 0) expectRefused(result);
        lab.expectClean(repository, scenario);
        lab.discard(repository);
        return `${won.length} succeeded`;
      },
    },
    ...(["full", "incremental"] as const).map((scenario) => ({
      name: `three shards at the same time (${scenario})`,
      async run() {
        const repository = lab.repository(scenario);
        const shards = await Promise.all(
          [1, 2, 3].map((n) => lab.backup(repository, { scenario, args: ["--shard", `${n}/3`] })),
        );
        const results = await Promise.all(shards.map(({ done }) => done));
        for (const result of results) {
          expect(result.exitCode === 0, `A shard failed: ${failureOf(result)}`);
          expectBalanced(result);
        }
        lab.expectClean(repository, scenario, 3);
        lab.discard(repository);
        return "all three succeeded";
      },
    })),
    {
      name: "one shard of three is killed, and run again when the others are done",
      async run() {
        const repository = lab.repository("full");
        let sealed = 0;
        const shards = await Promise.all(
          [1, 2, 3].map(async (n) => {
            const client = await lab.backup(repository, {
              args: ["--shard", `${n}/3`],
              onEvent(event) {
                if (n === 2 && event.type === "sealed" && ++sealed === 2) client.child.kill("SIGKILL");
              },
            });
            return client;
          }),
        );
        const results = await Promise.all(shards.map(({ done }) => done));
        expect(results[1]!.signal === "SIGKILL", "The second shard was not killed.");
        for (const result of [results[0]!, results[2]!])
          expect(result.exitCode === 0, `A shard failed: ${failureOf(result)}`);
        await lab.succeed(repository, { args: ["--shard", "2/3"] });
        lab.expectClean(repository, "full", 3);
        lab.discard(repository);
        return "the others were not disturbed";
      },
    },
  ];
}

function expectRefused(result: Parameters<typeof failureOf>[0]): void {
  const finished = result.events.findLast((event) => event.type === "finished");
  expect(
    result.exitCode === 1 && finished?.error?.code === "lease-held",
    `It was not refused by the lease: ${failureOf(result)}`,
  );
}
