import type { ConnectorContext, Opened } from "../../job/connections.ts";
import { LakeferryError } from "../../job/errors.ts";
import { Api } from "./api.ts";
import { checkWorkspace } from "./checks.ts";
import { CredentialCache } from "./credential-cache.ts";
import {
  allWays,
  type CredentialsProvider,
  chooseCredentials,
  completeSettings,
  type ProviderTools,
} from "./credentials.ts";
import { workspaceOrigin } from "./host.ts";
import { PUBLISHED_RATES } from "./port.ts";
import { readSecret } from "./secrets.ts";
import { readSettings } from "./settings.ts";
import { Transport } from "./transport.ts";
import { HttpWorkspaceReader } from "./workspace-reader.ts";
import { HttpWorkspaceWriter } from "./workspace-writer.ts";

export interface OpenOptions {
  /** Credentials of another kind than the settings know, such as a CI host's workload identity. */
  readonly credentials?: (tools: ProviderTools) => CredentialsProvider;
}

/**
 * Opens a workspace; nothing is sent before the first request. Opened twice, there are two pools. `close` ends
 * requests under way; asked twice, it does nothing.
 * @throws LakeferryError `invalid-input` when host or credentials are missing or do not fit together
 */
export async function openDatabricks(
  given: Readonly<Record<string, unknown>>,
  context: ConnectorContext,
  options: OpenOptions = {},
): Promise<Opened<"databricks">> {
  const settings = await completeSettings(readSettings(given), context.env);
  if (settings.host === undefined)
    throw new LakeferryError("No Databricks host is set.", {
      code: "invalid-input",
      hint: `Set \`host\` (DATABRICKS_HOST) to the workspace's address, and credentials. ${allWays()}`,
    });
  const host = workspaceOrigin(settings.host);
  const { pacer, signal, now, env } = context;
  const transport = await Transport.open({ connections: settings.connections, caFile: settings.caFile, env });
  try {
    const tools: ProviderTools = { origin: host, transport, pacer, now, env };
    const provider = options.credentials?.(tools) ?? chooseCredentials(settings, tools);
    const credentials = new CredentialCache(provider, { now, signal });
    const api = new Api(host, { transport, credentials, pacer, signal, now });
    for (const [endpoint, perSecond] of Object.entries(PUBLISHED_RATES)) pacer.publish(endpoint, perSecond);
    const reader = new HttpWorkspaceReader(api);
    return {
      read: { host, workspace: reader },
      write: { host, workspace: new HttpWorkspaceWriter(api) },
      identity: host,
      check: () =>
        checkWorkspace(api, { now, list: (path) => reader.list(path), credentials: provider.kind }),
      secret: (scope, key) => readSecret(api, scope, key),
      close: () => transport.close(),
    };
  } catch (error) {
    await transport.close();
    throw error;
  }
}
