import type { ConnectorContext } from "../job/connections.ts";
import { createPacer } from "../runtime/pacer.ts";
import type { Host } from "./host.ts";
import { TemporaryFolders } from "./temporary-folders.ts";

/** What connectors get from a run; `close` removes its temporary folders. */
export async function connectorContext(
  host: Host,
): Promise<{ context: ConnectorContext; close: () => Promise<void> }> {
  const folders = await TemporaryFolders.open();
  const { signal, now, random, env, say } = host;
  const context: ConnectorContext = {
    pacer: createPacer({ signal, now, random, say }),
    signal,
    now,
    random,
    env,
    temporaryFolder: (name) => folders.make(name),
    warn: (text) => say({ type: "warning", text }),
  };
  return { context, close: () => folders.close() };
}
