import { cancelled, LakeferryError } from "../../job/errors.ts";
import type { Running } from "./processes.ts";
import type { Repository } from "./repository.ts";

/** Bytes gathered before they are handed to the pipe: far fewer system calls than one per blob. */
const batchBytes = 256 * 1024;

interface Waiting {
  resolve(line: string): void;
  reject(error: LakeferryError): void;
}

/**
 * One `git fast-import` for the life of a connection. Commands are appended whole and in order; answers come in the
 * same order. What was written is on disk, and visible to other commands, after `checkpoint`.
 */
export class FastImport {
  readonly #running: Running;
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #drained: Promise<void> | undefined;
  #letGo: (() => void) | undefined;
  #failure: LakeferryError | undefined;
  #closing = false;

  constructor(repository: Repository, signal: AbortSignal) {
    this.#signal = signal;
    this.#running = repository.start([
      "fast-import",
      "--quiet",
      "--depth=0",
      "--active-branches=2",
      "--date-format=raw",
      "--done",
    ]);
    const { child, finished } = this.#running;
    let rest = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#waiting.shift()?.resolve(line);
    });
    finished.then(
      (ended) => {
        const how = ended.endedBy ? `was ended by ${ended.endedBy}` : `ended with exit code ${ended.code}`;
        const said = ended.stderr.split("\n").find((line) => line.startsWith("fatal: "));
        this.#fail(
          new LakeferryError(`git fast-import ${how}${said ? `: ${said.slice(7)}` : ""}.`, {
            code: "unavailable",
            retryable: false,
            hint: "What was pushed before is safe; run again to write the rest.",
          }),
        );
      },
      (error: LakeferryError) => this.#fail(error),
    );
  }

  /** Appends commands, and waits while git is behind. @throws what ended the process */
  async write(...parts: readonly Uint8Array[]): Promise<void> {
    this.append(...parts);
    if (this.#drained) await this.#drained;
    if (this.#failure) throw this.#failure;
  }

  /** Appends without waiting: several calls without an `await` between them stay together. */
  append(...parts: readonly Uint8Array[]): void {
    if (this.#failure) throw this.#failure;
    if (this.#signal.aborted) throw cancelled(this.#signal);
    for (const part of parts) {
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
    }
    if (this.#gatheredBytes >= batchBytes) this.#flush();
  }

  /** Appends a command that answers with one line, and gives that line. */
  ask(command: string | Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      this.append(typeof command === "string" ? Buffer.from(command) : command);
      this.#waiting.push({ resolve, reject });
      this.#flush();
    });
  }

  /** Puts everything written so far on disk, where a push finds it. */
  async checkpoint(): Promise<void> {
    await this.ask("checkpoint\n\nprogress saved\n\n");
  }

  close(): void {
    this.#closing = true;
    this.#running.kill();
  }

  #flush(): void {
    const batch =
      this.#gathered.length === 1 ? this.#gathered[0]! : Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const { stdin } = this.#running.child;
    if (stdin.write(batch) || this.#drained) return;
    this.#drained = new Promise((resolve) => {
      const done = () => {
        this.#drained = undefined;
        stdin.off("drain", done);
        resolve();
      };
      this.#letGo = done;
      stdin.on("drain", done);
    });
  }

  #fail(error: LakeferryError): void {
    if (this.#failure) return;
    const closed = () => new LakeferryError("The git connection is closed.", { code: "internal" });
    this.#failure = this.#signal.aborted ? cancelled(this.#signal) : this.#closing ? closed() : error;
    for (const one of this.#waiting.splice(0)) one.reject(this.#failure);
    // A pipe whose reader has died drains no more.
    this.#letGo?.();
    this.#running.child.stdin.destroy();
  }
}
