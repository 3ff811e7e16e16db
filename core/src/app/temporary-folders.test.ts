import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TemporaryFolders } from "./temporary-folders.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sweep-"));
  vi.stubEnv("TMPDIR", folder);
  vi.stubEnv("TEMP", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test("what a dead process of this machine left is removed, and nothing of another machine's", async () => {
  const living = await TemporaryFolders.open();
  const own = basename(dirname(await living.make("git")));
  const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
  const left = own.replace(`-${process.pid}-`, `-${dead}-`);
  const others = left.replace(/^lakeferry-[0-9a-f]{8}-/, "lakeferry-00000000-");
  for (const name of [left, others, `lakeferry-${dead}-abc`]) await mkdir(join(folder, name));
  const next = await TemporaryFolders.open();
  await next.close();
  expect((await readdir(folder)).sort()).toEqual([own, others, `lakeferry-${dead}-abc`].sort());
  await living.close();
});
