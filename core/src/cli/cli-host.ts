import type { Host } from "../index.ts";

/** A host whose events are not taken yet: each command says who listens. */
export type CliHost = Omit<Host, "say">;

/** The process as a host. SIGINT and SIGTERM cancel; a second one ends the process at once. */
export function cliHost(): CliHost {
  const abort = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (abort.signal.aborted) process.exit(130);
    process.stderr.write(`\n${signal}: cancelling; once more to quit at once.\n`);
    abort.abort(new Error(signal));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { env: process.env, cwd: process.cwd(), signal: abort.signal, now: Date.now, random: Math.random };
}
