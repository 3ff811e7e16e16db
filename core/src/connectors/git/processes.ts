import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cancelled, LakeferryError } from "../../job/errors.ts";
import { type ConfigEntry, childEnvironment, type Environment } from "./environment.ts";

export interface Finished {
  /** The exit code; -1 when a signal ended the process. */
  readonly code: number;
  readonly endedBy: string | undefined;
  readonly stdout: Buffer;
  /** The end of what was printed, for people. */
  readonly stderr: string;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly input?: string | Uint8Array;
  readonly config?: readonly ConfigEntry[];
  readonly env?: Environment;
  readonly timeoutMs?: number;
}

/** A git process at work; `finished` never rejects for an exit code. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  kill(): void;
}

const stderrKept = 16_384;
const graceMs = 300;

/** Groups at work, and those that were told to end: none of them outlives this process, however it exits. */
const groups = new Set<number>();
let guarded = false;

function guard(pid: number): void {
  groups.add(pid);
  if (guarded) return;
  guarded = true;
  process.on("exit", () => {
    for (const group of groups) signalGroup(group, "SIGKILL");
  });
}

/** Never throws: a group may have ended already, and macOS refuses (EPERM) one that has only zombies left. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  if (process.platform === "win32") {
    spawn("taskkill", ["/pid", String(pid), "/t", "/f"], { windowsHide: true }).on("error", () => {});
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // What became of the process is told by its exit, which its owner waits for.
  }
}

/** Ends a process with everything it started; by force when it does not end by itself. */
function endGroup(child: ChildProcessWithoutNullStreams): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  // Nobody waits for this timer alone: when all else is done, the exit ends what is left.
  setTimeout(() => {
    signalGroup(pid, "SIGKILL");
    groups.delete(pid);
    // A process that left the group may hold a pipe open: it must not hold us.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }, graceMs).unref();
}

/**
 * Starts git in one repository: each command in a process group of its own, so that an abort ends the transports and
 * packers below it too. (A library such as simple-git signals only the process it started, and drops the output of one
 * that failed: an abort would leave orphans, and a refusal no reason.)
 */
export class GitProcesses {
  readonly #gitDir: string;
  readonly #env: Environment;
  readonly #config: readonly ConfigEntry[];
  readonly #live = new Set<Running>();

  constructor(gitDir: string, env: Environment, config: readonly ConfigEntry[]) {
    this.#gitDir = gitDir;
    this.#env = env;
    this.#config = config;
  }

  /** Starts a command that streams. Killed when `signal` aborts; its output is then incomplete. */
  start(args: readonly string[], options: Omit<RunOptions, "input"> = {}): Running {
    const { signal } = options;
    if (signal?.aborted) throw cancelled(signal);
    const child = spawn("git", args, {
      cwd: this.#gitDir,
      detached: process.platform !== "win32",
      windowsHide: true,
      env: childEnvironment(this.#env, [...this.#config, ...(options.config ?? [])], {
        GIT_DIR: this.#gitDir,
        ...options.env,
      }),
    });
    if (child.pid !== undefined) guard(child.pid);
    // A child that ends early closes its end; what became of it is told by its exit.
    child.stdin.on("error", () => {});
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-stderrKept);
    });
    let killed = false;
    const kill = () => {
      if (!killed && child.exitCode === null && child.signalCode === null) endGroup(child);
      killed = true;
    };
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once("error", (cause) => reject(gitIsMissing(cause)));
      child.once("close", (code, endedBy) =>
        resolve({ code: code ?? -1, endedBy: endedBy ?? undefined, stdout: Buffer.alloc(0), stderr }),
      );
    });
    const running: Running = { child, finished, kill };
    this.#live.add(running);
    signal?.addEventListener("abort", kill, { once: true });
    const forget = () => {
      this.#live.delete(running);
      // A group that was told to end is ended by force first: more than this process may be in it.
      if (!killed && child.pid !== undefined) groups.delete(child.pid);
      signal?.removeEventListener("abort", kill);
    };
    finished.then(forget, forget);
    return running;
  }

  /**
   * Runs a command to its end and gives its output, whatever its exit code.
   * @throws LakeferryError `cancelled`, `timeout`, `not-supported` when there is no git
   */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { signal, input, timeoutMs, ...rest } = options;
    const running = this.start(args, { signal, ...rest });
    const chunks: Buffer[] = [];
    running.child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    running.child.stdin.end(input ?? "");
    let late = false;
    const timer = timeoutMs
      ? setTimeout(() => {
          late = true;
          running.kill();
        }, timeoutMs)
      : undefined;
    try {
      const finished = await running.finished;
      if (signal?.aborted) throw cancelled(signal);
      if (late)
        throw new LakeferryError(`git ${args[0]} did not end within ${Math.round(timeoutMs! / 1000)} s.`, {
          code: "timeout",
        });
      return { ...finished, stdout: Buffer.concat(chunks) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a command that has no reason to fail: it touches this repository alone. */
  async expect(args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    const finished = await this.run(args, options);
    if (finished.code !== 0) throw broke(args, finished);
    return finished.stdout;
  }

  /** Ends every process that is still at work, and waits until they are gone. */
  async close(): Promise<void> {
    const live = [...this.#live];
    for (const running of live) running.kill();
    await Promise.allSettled(live.map((running) => running.finished));
  }
}

/** The error of a local command that failed without a reason the connector knows. */
export function broke(args: readonly string[], finished: Finished): LakeferryError {
  const how = finished.endedBy
    ? `was ended by ${finished.endedBy}`
    : `failed with exit code ${finished.code}`;
  return new LakeferryError(`git ${args[0]} ${how}: ${lastLine(finished.stderr)}`, { code: "internal" });
}

export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 500) || "it said nothing";
}

export function gitIsMissing(cause: unknown): LakeferryError {
  return new LakeferryError("git could not be started.", {
    code: "not-supported",
    hint: "Install git 2.31 or newer, and see that it is on the PATH.",
    cause,
  });
}
