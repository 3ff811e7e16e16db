import type { RunEvent } from "../job/events.ts";

/** What the core needs from the host that embeds it: hosts alone read argv, the environment and the editor. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly cwd: string;
  /** SIGINT, SIGTERM, an editor's cancel: one signal. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
  readonly say: (event: RunEvent) => void;
}
