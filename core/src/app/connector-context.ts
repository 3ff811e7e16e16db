import type { ConnectorContext } from "../job/connections.ts";
import { createPacer } from "../runtime/pacer.ts";
import type { Host } from "./host.ts";
import { TemporaryFolders } from "./temporary-folders.ts";

/** After a cancel, how long what was taken may still be given back. GitHub kills 10 s after cancelling, the Azure agent after 7.5 s. */
const GRACE_MS = 4_000;

/** What connectors get from a run; `close` removes its temporary folders. */
export async function connectorContext(
  host: Host,
): Promise<{ context: ConnectorContext; close: () => Promise<void> }> {
  const folders = await TemporaryFolders.open();
  const grace = new AbortController();
  host.signal.addEventListener(
    "abort",
    () => setTimeout(() => grace.abort(host.signal.reason), GRACE_MS).unref(),
    { once: true },
  );
  const { signal, now, random, env, say } = host;
  const context: ConnectorContext = {
    pacer: createPacer({ signal, now, random, say }),
    gracePacer: createPacer({ signal: grace.signal, now, random, say, attempts: 2 }),
    signal,
    grace: grace.signal,
    now,
    random,
    env,
    temporaryFolder: (name) => folders.make(name),
    warn: (text) => say({ type: "warning", text }),
  };
  return { context, close: () => folders.close() };
}
