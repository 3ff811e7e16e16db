import type { Host } from "../index.ts";

/** A host whose events are not taken yet: each command says who listens. */
export type CliHost = Omit<Host, "say">;

/**
 * The process as a host. SIGINT, SIGTERM and SIGHUP cancel, as does a reader of the output who has gone (`| head`): what
 * nobody hears of is not worth going on with, and a crash would leave leases behind. A second signal ends the process at once.
 */
export function cliHost(): CliHost {
  const abort = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (abort.signal.aborted) process.exit(130);
    process.stderr.write(`\n${signal}: cancelling; once more to quit at once.\n`);
    abort.abort(new Error(signal));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (abort.signal.aborted) return;
      abort.abort(error);
      if (error.code !== "EPIPE" && stream === process.stdout)
        process.stderr.write(`The output cannot be written (${error.code}): cancelling.\n`);
    });
  return { env: process.env, cwd: process.cwd(), signal: abort.signal, now: Date.now, random: Math.random };
}
