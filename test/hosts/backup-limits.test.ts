import { expect, test } from "vitest";
import { expectBackup, expectCode, sha256, type World, world } from "./world.ts";

const source = (text: string) => `# Databricks notebook source\n${text}\n`;
const rejected = (ran: { events: readonly { type: string; rejected?: { item: string }[] }[] }) =>
  ran.events.flatMap((e) => (e.type === "step-finished" ? (e.rejected ?? []) : [])).map(({ item }) => item);
const tagOf = (w: World) => w.repository.message(w.repository.tags().sort().at(-1)!);

// 50 MB are generated, exported, pushed, fetched and imported: a busy machine takes its time.
test("notebooks, files and a folder above 10 MB are captured", { timeout: 240_000 }, async () => {
  const w = await world({ tree: { notebooks: 48, engagements: 6, big: true } });
  const big = w.objects().filter(({ bytes }) => bytes! > 10 * 1024 * 1024);
  expect(big.map(({ object_type }) => object_type).sort()).toEqual([
    "FILE",
    "NOTEBOOK",
    "NOTEBOOK",
    "NOTEBOOK",
  ]);
  const folder = w.objects().filter(({ path }) => path.includes("embedded_model"));
  expect(folder.reduce((sum, { bytes }) => sum + bytes!, 0)).toBeGreaterThan(10 * 1024 * 1024);
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  // And go back to where they came from, above the import's limit.
  const ran = await w.restore(["--target", "/Back", "--include", "**/{big_*,readings_*}"]);
  expectCode(ran, 0);
  const back = new Map(
    w.sandbox
      .tree("/Back")
      .filter(({ object_type }) => object_type !== "DIRECTORY")
      .map((object) => [object.path.slice("/Back".length), object]),
  );
  expect(back.size).toBe(4);
  for (const { path, object_type, language, sha256 } of big) {
    const now = back.get(path)!;
    expect([now.object_type, now.language, now.sha256], path).toEqual([object_type, language, sha256]);
  }
});

test("a file over every limit fails by name, the rest is backed up, and the tag says so", async () => {
  const w = await world({ contentLimit: 50_000, downloadLimit: 50_000 });
  await w.touch("/W/good", source("print(1)"), { language: "PYTHON" });
  await w.touch("/W/huge.bin", Buffer.alloc(60_000, "x"), { type: "FILE" });
  const ran = await w.backup();
  expectCode(ran, 3);
  expect(rejected(ran)).toEqual(["/W/huge.bin"]);
  expect(ran.finished).toMatchObject({ outcome: "partial", outputs: { failed: 1 } });
  expectBackup(
    w,
    w.objects().filter(({ path }) => path === "/W/good"),
  );
  expect(tagOf(w)).toContain("Lakeferry-Failed: 1");
  // It is tried again, and is in the backup as soon as that works.
  w.sandbox.set({ downloadLimit: 100_000 });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
  expect(tagOf(w)).toContain("Lakeferry-Failed: 0");
});

test("an object that cannot be exported is named, keeps its old backup, and does not stop the others", async () => {
  const w = await world({ tree: { notebooks: 40 } });
  expectCode(await w.backup(), 0);
  const before = w.repository.manifest();
  const { changed } = await w.mutate({ changed: 5 });
  const broken = changed[0]!;
  w.sandbox.installFaults([
    {
      kind: "status",
      status: 400,
      errorCode: "INVALID_PARAMETER_VALUE",
      path: `export.*path=${broken.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(&|$)`,
    },
  ]);
  const ran = await w.backup(["--no-archives"]);
  expect(w.sandbox.faults()[0]!.hits).toBeGreaterThan(0);
  expectCode(ran, 3);
  expect(rejected(ran)).toEqual([broken]);
  const now = w.repository.manifest().find(({ path }) => `/${path}` === broken)!;
  expect(now).toEqual(before.find(({ path }) => `/${path}` === broken));
  expect(sha256(w.repository.file(now.file))).toBe(now.sha256);
  w.sandbox.installFaults([]);
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
});

test("a folder that may not be listed is named as failed, and its old backup kept", async () => {
  const w = await world({ tree: { notebooks: 60, engagements: 3 } });
  expectCode(await w.backup(), 0);
  w.sandbox.set({ deniedPaths: ["/Clients/2024"] });
  await w.mutate({ changed: 3, seed: 3 });
  const ran = await w.backup();
  expectCode(ran, 3);
  expect(rejected(ran)).toEqual(["/Clients/2024"]);
  const kept = w.repository.manifest().filter(({ path }) => path.startsWith("Clients/2024/"));
  expect(kept.length).toBeGreaterThan(10);
  for (const line of kept) expect(w.repository.files().get(line.file)).toBe(line.blob);
  expect(tagOf(w)).toContain("Lakeferry-Failed: 1");
  w.sandbox.set({ deniedPaths: [] });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects());
});
