import { LakeferryError } from "../../job/errors.ts";
import type { Answer } from "./collector.ts";
import type { CredentialsProvider, Grant, ProviderTools } from "./credentials.ts";
import { apiError, unexpectedAnswer } from "./errors.ts";
import { jsonObject } from "./json-object.ts";
import type { Settings } from "./settings.ts";

/*
 * These grants are asked for over our own transport. The SDK (0.14) cannot: `Config` forces https and drops the port
 * of a host (`fixHost`), its token requests have no timeout and no abort, know no proxy and no `ca-file`, hang on a
 * redirect for ever, and are made once per waiting caller.
 */

const TOKEN_TIMEOUT_MS = 20_000;
const DATABRICKS_APP = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

/** OAuth 2.0 client credentials. https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m */
export function oauthM2m(settings: Settings, tools: ProviderTools): CredentialsProvider {
  const id = settings.clientId!;
  const secret = settings.clientSecret!;
  return {
    kind: "oauth-m2m",
    renewal: `Make a new OAuth secret for the service principal ${id} and set \`client-secret\` (DATABRICKS_CLIENT_SECRET); secrets expire after two years at most.`,
    renewable: true,
    obtain: (signal) =>
      requestGrant(tools, signal, {
        what: `OAuth token for the service principal ${id}`,
        url: new URL("/oidc/v1/token", tools.origin),
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret.reveal().trim())}`).toString("base64")}`,
        form: { grant_type: "client_credentials", scope: "all-apis" },
      }),
  };
}

/**
 * Microsoft Entra client credentials for the Azure Databricks application.
 * https://learn.microsoft.com/en-us/azure/databricks/dev-tools/service-prin-aad-token
 */
export function azureClientSecret(settings: Settings, tools: ProviderTools): CredentialsProvider {
  const id = settings.azureClientId!;
  const secret = settings.azureClientSecret!;
  const tenant = encodeURIComponent(settings.azureTenantId!);
  return {
    kind: "azure-client-secret",
    renewal: `Make a new client secret for the Entra application ${id} and set \`azure-client-secret\` (ARM_CLIENT_SECRET).`,
    renewable: true,
    obtain: (signal) =>
      requestGrant(tools, signal, {
        what: `Microsoft Entra token for the application ${id}`,
        url: new URL(`/${tenant}/oauth2/v2.0/token`, entraAuthority(tools.origin)),
        form: {
          grant_type: "client_credentials",
          scope: `${DATABRICKS_APP}/.default`,
          client_id: id,
          client_secret: secret.reveal().trim(),
        },
      }),
  };
}

/** The sign-in authority of the cloud that a workspace is in. */
function entraAuthority(origin: string): string {
  const { hostname } = new URL(origin);
  if (hostname.endsWith(".databricks.azure.us")) return "https://login.microsoftonline.us";
  if (hostname.endsWith(".databricks.azure.cn")) return "https://login.chinacloudapi.cn";
  return "https://login.microsoftonline.com";
}

/**
 * One token request. It may be made twice: it only makes another token. For workload identity the same request goes
 * out with another `form`.
 * @throws LakeferryError `unauthenticated` when client or secret are refused
 */
export async function requestGrant(
  tools: ProviderTools,
  signal: AbortSignal,
  request: {
    what: string;
    url: URL;
    form: Readonly<Record<string, string>>;
    authorization?: string | undefined;
  },
): Promise<Grant> {
  const { what, url, form, authorization } = request;
  const body = Buffer.from(new URLSearchParams(form).toString());
  return tools.pacer.call(
    "oauth/token",
    async (attempt) => {
      const answer = await tools.transport.send({
        what,
        origin: url.origin,
        method: "POST",
        path: url.pathname,
        headers: {
          accept: "application/json",
          "content-type": "application/x-www-form-urlencoded",
          ...(authorization ? { authorization } : {}),
        },
        body,
        signal: attempt,
        headersTimeoutMs: TOKEN_TIMEOUT_MS,
        bodyIdleMs: TOKEN_TIMEOUT_MS,
      });
      if (answer.status !== 200) throw refusal(what, answer, tools);
      return readGrant(what, answer, tools);
    },
    { idempotent: true, signal },
  );
}

function refusal(what: string, answer: Answer, tools: ProviderTools): LakeferryError {
  const error = apiError({ what, does: "read" }, answer, { now: tools.now() });
  // OAuth refuses a client by 400 or 401 (RFC 6749, 5.2), a missing workspace permission by 403.
  if (![400, 401, 403].includes(answer.status)) return error;
  return new LakeferryError(error.message, {
    code: "unauthenticated",
    hint: "Check the client id, its secret (has it expired?) and that the service principal is added to the workspace.",
    cause: error,
  });
}

function readGrant(what: string, answer: Answer, tools: ProviderTools): Grant {
  const json = jsonObject({ what, does: "read" }, answer);
  const token = json.access_token;
  if (typeof token !== "string" || token === "") throw unexpectedAnswer({ what, does: "read" }, answer);
  const seconds = Number(json.expires_in);
  return {
    headers: { authorization: `Bearer ${token}` },
    expiresAt: Number.isFinite(seconds) && seconds > 0 ? tools.now() + seconds * 1000 : undefined,
  };
}
