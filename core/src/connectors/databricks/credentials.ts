import { LakeferryError } from "../../job/errors.ts";
import type { Pacer } from "../../job/pacer.ts";
import { azureClientSecret, oauthM2m } from "./client-credentials.ts";
import { loadProfile } from "./profile.ts";
import { sdkCredentials } from "./sdk-credentials.ts";
import type { AuthType, Settings } from "./settings.ts";
import type { Transport } from "./transport.ts";

/** Headers that authenticate requests, for a time. */
export interface Grant {
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; absent: until it is refused. */
  readonly expiresAt?: number | undefined;
}

/**
 * Where grants come from. Another kind (workload identity of a CI host, say) is another provider: an entry in `KINDS`,
 * or given to `openDatabricks`.
 */
export interface CredentialsProvider {
  /** For messages: `pat`, `oauth-m2m`. */
  readonly kind: string;
  /** What a person does when the credentials are refused. */
  readonly renewal: string;
  /** Whether asking again can bring another grant. */
  readonly renewable: boolean;
  /** A new grant, never a remembered one. @throws LakeferryError `unauthenticated` when it is refused */
  obtain(signal: AbortSignal): Promise<Grant>;
}

/** What providers work with. */
export interface ProviderTools {
  /** The workspace. */
  readonly origin: string;
  readonly transport: Transport;
  readonly pacer: Pacer;
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Factory = (settings: Settings, tools: ProviderTools) => CredentialsProvider;

const KINDS: Readonly<
  Record<AuthType, { set(s: Settings): boolean; whole(s: Settings): boolean; make: Factory; ways: string }>
> = {
  pat: {
    set: (s) => s.token !== undefined,
    whole: (s) => s.token !== undefined,
    make: personalToken,
    ways: "pat: token (DATABRICKS_TOKEN)",
  },
  "oauth-m2m": {
    set: (s) => s.clientSecret !== undefined,
    whole: (s) => s.clientId !== undefined && s.clientSecret !== undefined,
    make: oauthM2m,
    ways: "oauth-m2m: clientId and clientSecret (DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET)",
  },
  "azure-client-secret": {
    set: (s) => s.azureClientSecret !== undefined,
    whole: (s) => Boolean(s.azureTenantId && s.azureClientId && s.azureClientSecret),
    make: azureClientSecret,
    ways: "azure-client-secret: azureTenantId, azureClientId and azureClientSecret (ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET)",
  },
  // These follow from nothing that is set: they are asked for by `authType`.
  "azure-cli": asked("azure-cli", "after `az login`"),
  "azure-msi": asked("azure-msi", "on an Azure machine with a managed identity"),
  "databricks-cli": asked("databricks-cli", "after `databricks auth login`"),
};

function asked(kind: "azure-cli" | "azure-msi" | "databricks-cli", when: string) {
  return {
    set: () => false,
    whole: () => true,
    make: (s: Settings, tools: ProviderTools) => sdkCredentials(kind, s, tools),
    ways: `${kind}: authType ${kind} (DATABRICKS_AUTH_TYPE), ${when}`,
  };
}

function personalToken(settings: Settings): CredentialsProvider {
  // A secret pasted into a CI host often ends with a line end, which no header may contain.
  const token = settings.token!.reveal().trim();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new LakeferryError("The Databricks token is empty, or holds a character that no token has.", {
      code: "invalid-input",
      hint: "Set `token` (DATABRICKS_TOKEN) again, without quotes, spaces or line ends.",
    });
  const grant: Grant = { headers: { authorization: `Bearer ${token}` } };
  return {
    kind: "pat",
    renewal:
      "Make a new personal access token (Settings > Developer > Access tokens) and set `token` (DATABRICKS_TOKEN).",
    renewable: false,
    obtain: async () => grant,
  };
}

/**
 * Settings completed from a profile: the one that is named, or DEFAULT when neither a host nor credentials are given.
 * What is given explicitly wins; a profile's credentials never go to another host than the profile's.
 */
export async function completeSettings(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Settings> {
  const bare = !settings.authType && Object.values(KINDS).every((kind) => !kind.set(settings));
  if (settings.profile === undefined && !(bare && settings.host === undefined)) return settings;
  return loadProfile(settings, env);
}

/**
 * The provider that the settings describe.
 * @throws LakeferryError `invalid-input` when they describe none (listing the ways), several, or one in part
 */
export function chooseCredentials(settings: Settings, tools: ProviderTools): CredentialsProvider {
  const set = (Object.keys(KINDS) as AuthType[]).filter((kind) => KINDS[kind].set(settings));
  if (!settings.authType && set.length > 1)
    throw new LakeferryError(`Several kinds of Databricks credentials are set: ${set.join(" and ")}.`, {
      code: "invalid-input",
      hint: `Name the one to use by \`auth-type\` (DATABRICKS_AUTH_TYPE), such as ${set[0]}.`,
    });
  const kind = settings.authType ?? set[0];
  if (!kind)
    throw new LakeferryError(`No credentials for ${tools.origin} are set.`, {
      code: "invalid-input",
      hint: allWays(),
    });
  if (!KINDS[kind].whole(settings))
    throw new LakeferryError(`The ${kind} credentials for ${tools.origin} are not complete.`, {
      code: "invalid-input",
      hint: `Set all of ${KINDS[kind].ways}.`,
    });
  return KINDS[kind].make(settings, tools);
}

/** Every way to give credentials, one per line, with the environment variables. */
export function allWays(): string {
  const ways = Object.values(KINDS).map((kind) => `- ${kind.ways}`);
  return ["Set one of:", ...ways, "- profile (DATABRICKS_CONFIG_PROFILE) of ~/.databrickscfg"].join("\n");
}
