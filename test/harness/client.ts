import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { RunEvent } from "../../core/src/job/events.ts";
import { descendants, memoryOf } from "./processes.ts";

const source = fileURLToPath(new URL("../../core/src/cli/main.ts", import.meta.url));
const bundle = fileURLToPath(new URL("../../core/dist/lakeferry.js", import.meta.url));

export interface ClientOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside PATH and HOME: nothing of this process's environment goes along. */
  readonly env: Readonly<Record<string, string>>;
  readonly bundled?: boolean;
  /** A shell line that runs before the client in the same process, such as `ulimit -f 100`. */
  readonly before?: string;
  /** Told of each line of `--json` as it is read. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Watches memory as well. */
  readonly measure?: boolean;
}

export interface ClientResult {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** The events of `--json`; none without it. */
  readonly events: readonly RunEvent[];
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** The most memory of the client itself, and of the processes it started, all together at a time. */
  readonly rssMb: number;
  readonly childrenRssMb: number;
}

/** A run of the command line as a child process. */
export interface Client {
  readonly pid: number;
  readonly done: Promise<ClientResult>;
  readonly child: ChildProcess;
}

/** Starts `lakeferry <args>` with a bare environment. */
export function startClient(o: ClientOptions): Client {
  const command = [process.execPath, o.bundled ? bundle : source, ...o.args];
  const [file, ...args] = o.before ? ["/bin/sh", "-c", `${o.before}; exec "$@"`, "sh", ...command] : command;
  const started = performance.now();
  const child = spawn(file!, args, {
    cwd: o.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: o.cwd, GIT_CONFIG_NOSYSTEM: "1", ...o.env },
  });
  const events: RunEvent[] = [];
  const lines: string[] = [];
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (!line.startsWith("{")) return;
    try {
      const event = JSON.parse(line) as RunEvent;
      events.push(event);
      o.onEvent?.(event);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // a line that a kill has cut
    }
  });
  const watch = o.measure ? watchMemory(child.pid!) : undefined;
  const done = new Promise<ClientResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) =>
      resolve({
        exitCode: code ?? -1,
        signal,
        events,
        stdout: lines.join("\n"),
        stderr,
        seconds: (performance.now() - started) / 1000,
        ...(watch?.stop() ?? { rssMb: 0, childrenRssMb: 0 }),
      }),
    );
  });
  return { pid: child.pid!, done, child };
}

/** Polls, for the kernel keeps no peak of a group of processes; a peak of the last moments can be missed. */
function watchMemory(pid: number): { stop(): { rssMb: number; childrenRssMb: number } } {
  const most = { rssMb: 0, childrenRssMb: 0 };
  const look = () => {
    most.rssMb = Math.max(most.rssMb, memoryOf(pid, "VmHWM"));
    const children = descendants(pid).reduce((sum, child) => sum + memoryOf(child, "VmRSS"), 0);
    most.childrenRssMb = Math.max(most.childrenRssMb, children);
  };
  const timer = setInterval(look, 100);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

/** What went wrong, in a few lines for a person. */
export function failureOf(result: ClientResult): string {
  const finished = result.events.findLast((event) => event.type === "finished");
  const error = finished?.error ? `${finished.error.code}: ${finished.error.message}` : "";
  return `exit code ${result.exitCode}${result.signal ? ` (${result.signal})` : ""} ${error} ${result.stderr.slice(-500)}`.trim();
}
