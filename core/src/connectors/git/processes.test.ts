import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { GitProcesses } from "./processes.ts";

/** A git that starts another process, which does not end by itself. */
const lasting = ["-c", "alias.last=!echo $$; trap '' TERM; sleep 60", "last"];

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && alive(pid); i++) await pause(20);
  return !alive(pid);
}

test.skipIf(process.platform === "win32")("no git outlives a process that exits at once", async () => {
  const module = JSON.stringify(new URL("./processes.ts", import.meta.url).href);
  const script = `import { GitProcesses } from ${module};
    const git = new GitProcesses(${JSON.stringify(tmpdir())}, process.env, []).start(${JSON.stringify(lasting)});
    git.child.stdout.once("data", (pid) => process.stdout.write(pid, () => process.exit(130)));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
  expect(Number(said)).toBeGreaterThan(1);
  expect(await gone(Number(said))).toBe(true);
});

test.skipIf(process.platform === "win32")("an abort ends the whole group, by force if it must", async () => {
  const abort = new AbortController();
  const running = new GitProcesses(tmpdir(), process.env, []).start(lasting, { signal: abort.signal });
  const pid = await new Promise<number>((resolve) =>
    running.child.stdout.once("data", (text) => resolve(Number(text))),
  );
  abort.abort();
  expect(await gone(pid)).toBe(true);
  await running.finished;
});
