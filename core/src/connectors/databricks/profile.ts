import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { LakeferryError } from "../../job/errors.ts";
import { Secret } from "../../job/secret.ts";
import { workspaceOrigin } from "./host.ts";
import { AUTH_TYPES, type AuthType, type Settings } from "./settings.ts";

type Env = Readonly<Record<string, string | undefined>>;
/** Fields in snake_case. */
type Profile = Readonly<Record<string, string | undefined>>;

/**
 * Settings completed from the Databricks configuration file (DATABRICKS_CONFIG_FILE, else ~/.databrickscfg), as the
 * SDK's own loader reads it. Without a file, or without the profile, settings that name no profile stay as they are.
 * https://docs.databricks.com/aws/en/dev-tools/auth/config-profiles
 * @throws LakeferryError `invalid-input` when the named profile is missing, or belongs to another host than `host`
 */
export async function loadProfile(settings: Settings, env: Env): Promise<Settings> {
  const home = env.HOME || env.USERPROFILE || homedir();
  const file = (env.DATABRICKS_CONFIG_FILE || join("~", ".databrickscfg")).replace(/^~(?=[/\\])/, () => home);
  const profile = settings.profile ?? "DEFAULT";
  const found = await readProfile(file, profile);
  if (!found) {
    if (settings.profile === undefined) return settings;
    throw new LakeferryError(`${file} has no profile ${profile}.`, {
      code: "invalid-input",
      hint: "Make it by `databricks configure --profile <name>`, or name another by `profile` (DATABRICKS_CONFIG_PROFILE).",
    });
  }
  if (settings.host && found.host && workspaceOrigin(settings.host) !== workspaceOrigin(found.host))
    throw new LakeferryError(
      `The profile ${profile} is for ${workspaceOrigin(found.host)}, the connection for ${workspaceOrigin(settings.host)}.`,
      {
        code: "invalid-input",
        hint: "Leave out `host` or `profile` (DATABRICKS_HOST, DATABRICKS_CONFIG_PROFILE).",
      },
    );
  const secret = (value: string | undefined) => (value ? new Secret(value) : undefined);
  return {
    ...settings,
    host: settings.host ?? found.host,
    token: settings.token ?? secret(found.token),
    clientId: settings.clientId ?? found.client_id,
    clientSecret: settings.clientSecret ?? secret(found.client_secret),
    azureTenantId: settings.azureTenantId ?? found.azure_tenant_id,
    azureClientId: settings.azureClientId ?? found.azure_client_id,
    azureClientSecret: settings.azureClientSecret ?? secret(found.azure_client_secret),
    authType: settings.authType ?? knownAuthType(found.auth_type, profile),
  };
}

function knownAuthType(found: string | undefined, profile: string): AuthType | undefined {
  if (found === undefined) return undefined;
  const known = AUTH_TYPES.find((type) => type === found);
  if (known) return known;
  throw new LakeferryError(`The profile ${profile} asks for auth_type ${found}, which is not supported.`, {
    code: "invalid-input",
    hint: `Set \`auth-type\` to one of ${AUTH_TYPES.join(", ")}.`,
  });
}

/** One section of the file. The SDK's parser is used and not its `Config`, which drops scheme and port of a host. */
async function readProfile(file: string, profile: string): Promise<Profile | undefined> {
  try {
    await access(file);
  } catch {
    return undefined;
  }
  const { loadConfigFile } = await import("@databricks/sdk-experimental/dist/config/KnownConfigLoader.js");
  const { iniFile } = await loadConfigFile(file).catch((cause: unknown) => {
    throw new LakeferryError(`The Databricks configuration file ${file} cannot be read.`, {
      code: "invalid-input",
      cause,
    });
  });
  return Object.hasOwn(iniFile, profile) ? (iniFile[profile] as Profile) : undefined;
}
