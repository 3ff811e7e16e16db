import { describe, expect, test } from "vitest";
import type { RunEvent } from "../job/events.ts";
import type { Step } from "../job/phase.ts";
import type { StateStore } from "../job/state.ts";
import { openJournal } from "./journal.ts";
import { Progress } from "./progress.ts";
import { report } from "./report.ts";
import { dropOldRecords, readRecords, writeRecord } from "./run-record.ts";
import { emptySummary, fold, MOST_KEPT } from "./summary.ts";

function memory(): StateStore & { readonly files: Map<string, Buffer> } {
  const files = new Map<string, Buffer>();
  return {
    files,
    location: "memory",
    read: async (key) => files.get(key),
    write: async (key, body) => void files.set(key, Buffer.from(body)),
    append: async (key, body) =>
      void files.set(key, Buffer.concat([files.get(key) ?? Buffer.alloc(0), body])),
    list: async (prefix) => [...files.keys()].filter((key) => key.startsWith(prefix)).sort(),
    delete: async (key) => void files.delete(key),
  };
}

const step = (id: string, fingerprint = "f"): Step<null> => ({
  id,
  title: id,
  fingerprint,
  cursor: id,
  cost: { calls: 1, items: 1, bytes: 1 },
  data: null,
});

describe("the journal", () => {
  test("remembers steps with their fingerprints, and the cursor", async () => {
    const store = memory();
    const journal = await openJournal(store, "key", "20261120T020000Z-0001");
    await journal.append("import", [step("a"), step("b")], "b");
    for (const one of [journal, await openJournal(store, "key", "20261121T020000Z-0002")]) {
      expect(one.has("import", step("a"))).toBe(true);
      expect(one.has("import", step("a", "changed"))).toBe(false);
      expect(one.has("other", step("a"))).toBe(false);
      expect(one.resumeAt("import")).toBe("b");
    }
    expect((await openJournal(store, "another", "20261121T020000Z-0002")).has("import", step("a"))).toBe(
      false,
    );
    const next = await openJournal(store, "key", "20261121T020000Z-0002");
    await next.append("import", [step("c")], undefined);
    await next.clear();
    expect([store.files.size, next.has("import", step("a")), next.resumeAt("import")]).toEqual([
      0,
      false,
      undefined,
    ]);
  });

  test("passes over a torn line, wherever it stands", async () => {
    const store = memory();
    const journal = await openJournal(store, "key", "20261120T020000Z-0001");
    for (const id of ["a", "b"]) await journal.append("import", [step(id)], undefined);
    const [file, body] = [...store.files][0]!;
    store.files.set(file, body.subarray(0, body.length - 7));
    const resumed = await openJournal(store, "key", "20261121T020000Z-0002");
    expect([resumed.has("import", step("a")), resumed.has("import", step("b"))]).toEqual([true, false]);
    await resumed.append("import", [step("c"), step("d")], undefined);
    const third = await openJournal(store, "key", "20261122T020000Z-0003");
    expect(["a", "b", "d"].map((id) => third.has("import", step(id)))).toEqual([true, false, true]);
    expect(third.has("import", step("c"))).toBe(true);
  });
});

describe("progress", () => {
  test("says counts, share, rate, bytes and what is left", () => {
    let now = 0;
    const progress = new Progress(() => now);
    progress.take({ type: "phase", phase: "export", title: "Exporting" });
    expect(progress.line()).toBe("Exporting");
    progress.take({
      type: "planned",
      phase: "export",
      totals: { steps: 10, items: 1_000, bytes: 1, calls: 1 },
      complete: true,
    });
    now = 10_000;
    progress.take({
      type: "step-finished",
      phase: "export",
      step: "a",
      items: 250,
      bytes: 2_000_000,
      rejected: [],
    });
    progress.take({ type: "sealed", phase: "export", steps: 1, items: 200, bytes: 1, outcomes: {} });
    expect(progress.line()).toBe("Exporting  250 of 1,000 (25%) · 25/s · 2.0 MB · 200 sealed · 30 s left");
    progress.take({ type: "phase", phase: "publish", title: "Publishing" });
    expect(progress.line()).toBe("Publishing");
  });
});

const failing = (count: number) => {
  const summary = emptySummary();
  fold(summary, { type: "started", job: "notebooks-backup", run: "r", dryRun: false });
  fold(summary, { type: "phase", phase: "export", title: "Exporting" });
  const name = "n".repeat(400);
  for (let n = 0; n < count; n++) {
    const item = `/Clients/2024/ENG-${n}/NOTEBOOKS/${name}|<b>\n${n}`;
    const rejected = [
      { item, code: "too-large", message: `${item} is over the limit`, hint: "Split it. ".repeat(30) },
    ];
    fold(summary, { type: "step-finished", phase: "export", step: String(n), items: 0, bytes: 0, rejected });
    fold(summary, { type: "warning", text: `${item} is strange`, item });
    fold(summary, { type: "finding", kind: "conflict", item, detail: "was changed" });
  }
  fold(summary, {
    type: "reconciled",
    holds: false,
    equation: {
      name: "objects",
      left: { label: "listed", count: 70_000n, by: "source" },
      right: [{ label: "there", count: 1n, by: "destination" }],
      differences: Array.from({ length: 100 }, (_, n) => `${name}${n}`),
    },
  });
  fold(summary, { type: "finished", outcome: "partial", seconds: 61, outputs: { commit: "c" } });
  return summary;
};

describe("summary and report", () => {
  test("70,000 failures stay below 1 MiB and are counted", () => {
    const summary = failing(70_000);
    expect(summary.rejected.length).toBe(MOST_KEPT);
    expect(summary.more).toEqual({ rejected: 69_000, warnings: 69_000, findings: 69_000 });
    expect(summary.phases[0]!.failed).toBe(70_000);
    const text = report(summary);
    expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
    expect(text).toMatch(/… and [\d,]+ more\./);
    expect(text).toContain("70,000");
  });

  test("a report names each thing, and no name can break its tables", () => {
    const text = report(failing(2));
    expect(text).toContain("## ⚠️ Partial: notebooks-backup");
    expect(text).toContain("❌");
    expect(text).not.toContain("<b>");
    for (const line of text.split("\n").filter((one) => one.startsWith("| /Clients")))
      expect(line.replaceAll("\\|", "").split("|").length).toBeOneOf([4, 5]);
  });

  test("steps that fail count their items; retries and slow-downs are counted", () => {
    const summary = emptySummary();
    const events: RunEvent[] = [
      { type: "phase", phase: "import", title: "Importing" },
      {
        type: "step-failed",
        phase: "import",
        step: "s",
        items: 7,
        error: { code: "timeout", message: "late" },
      },
      {
        type: "request-retried",
        endpoint: "e",
        attempt: 1,
        waitMs: 1,
        error: { code: "timeout", message: "late" },
      },
      { type: "throttled", endpoint: "e", perSecond: 1, waitMs: 1 },
      { type: "metric", name: "rss", value: 1, unit: "MB" },
    ];
    for (const event of events) fold(summary, event);
    expect(summary.phases[0]).toMatchObject({ failed: 7 });
    expect(summary).toMatchObject({ retries: 1, throttles: 1, metrics: { rss: { value: 1, unit: "MB" } } });
    expect(summary.rejected).toEqual([{ item: "s", code: "timeout", message: "late" }]);
  });
});

test("run records are newest first, and old ones are dropped", async () => {
  const store = memory();
  const record = (run: string) => ({
    ...{ version: 1 as const, run, job: "j", startedAt: "", finishedAt: "", inputs: {}, connections: {} },
    summary: failing(1),
  });
  for (const run of ["20261001T000000Z-aaaa", "20261120T000000Z-bbbb"])
    await writeRecord(store, record(run), "text");
  store.files.set("runs/20261121T000000Z-cccc.json", Buffer.from("{ torn"));
  expect((await readRecords(store, 10)).map(({ run }) => run)).toEqual([
    "20261120T000000Z-bbbb",
    "20261001T000000Z-aaaa",
  ]);
  for (const run of ["20261001T000000Z-aaaa", "20261120T000000Z-bbbb"])
    await (await openJournal(store, "key", run)).append("work", [step("a")], undefined);
  expect(await dropOldRecords(store, 30, Date.UTC(2026, 10, 20))).toBe(3);
  expect(await store.list("journals/")).toEqual(["journals/key.20261120T000000Z-bbbb.jsonl"]);
  expect((await readRecords(store, 10)).map(({ run }) => run)).toEqual(["20261120T000000Z-bbbb"]);
});
