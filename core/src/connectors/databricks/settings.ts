import { LakeferryError } from "../../job/errors.ts";
import { choice, type InputShape, secret, text, whole } from "../../job/inputs.ts";
import { Secret } from "../../job/secret.ts";

export const AUTH_TYPES = [
  "pat",
  "oauth-m2m",
  "azure-client-secret",
  "azure-cli",
  "azure-msi",
  "databricks-cli",
] as const;
export type AuthType = (typeof AUTH_TYPES)[number];

/** The settings of a `databricks` connection, as `lakeferry.yml` has them. */
export const settings = {
  host: text({
    help: "Address of the workspace.",
    example: "https://adb-1234567890123456.7.azuredatabricks.net",
  }),
  token: secret({ help: "Personal access token." }),
  clientId: text({ help: "OAuth client id of a service principal." }),
  clientSecret: secret({ help: "OAuth secret of the service principal." }),
  azureTenantId: text({ help: "Microsoft Entra tenant.", advanced: true }),
  azureClientId: text({
    help: "Client id of a Microsoft Entra application or managed identity.",
    advanced: true,
  }),
  azureClientSecret: secret({ help: "Client secret of the Microsoft Entra application.", advanced: true }),
  profile: text({ help: "Profile of the Databricks configuration file (~/.databrickscfg).", advanced: true }),
  authType: choice(AUTH_TYPES, {
    help: "Kind of credentials, when it shall not follow from what is set.",
    advanced: true,
  }),
  caFile: text({
    help: "PEM file with certificate authorities to trust beside the usual ones.",
    advanced: true,
  }),
  connections: whole({
    help: "HTTP connections at a time.",
    default: "32",
    min: 1,
    max: 256,
    advanced: true,
  }),
} satisfies InputShape;

export const environment: Readonly<Record<string, readonly string[]>> = {
  host: ["DATABRICKS_HOST"],
  token: ["DATABRICKS_TOKEN"],
  clientId: ["DATABRICKS_CLIENT_ID"],
  clientSecret: ["DATABRICKS_CLIENT_SECRET"],
  azureTenantId: ["ARM_TENANT_ID"],
  azureClientId: ["ARM_CLIENT_ID"],
  azureClientSecret: ["ARM_CLIENT_SECRET"],
  profile: ["DATABRICKS_CONFIG_PROFILE"],
  authType: ["DATABRICKS_AUTH_TYPE"],
  caFile: ["DATABRICKS_CA_FILE"],
};

/** The settings as they are used. */
export interface Settings {
  readonly host?: string | undefined;
  readonly token?: Secret | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: Secret | undefined;
  readonly azureTenantId?: string | undefined;
  readonly azureClientId?: string | undefined;
  readonly azureClientSecret?: Secret | undefined;
  readonly profile?: string | undefined;
  readonly authType?: AuthType | undefined;
  readonly caFile?: string | undefined;
  readonly connections: number;
}

/**
 * Parses settings as a file or the environment gives them, or as they come parsed already (a `Secret` stays one).
 * @throws LakeferryError `invalid-input` naming the setting
 */
export function readSettings(given: Readonly<Record<string, unknown>>): Settings {
  const read: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(settings)) {
    const value = given[key];
    if (value instanceof Secret) {
      read[key] = value;
      continue;
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success)
      throw new LakeferryError(`Databricks setting ${key}: ${parsed.error.issues[0]?.message}.`, {
        code: "invalid-input",
        hint: `See ${(environment[key] ?? ["lakeferry.yml"]).join(" and ")}.`,
      });
    read[key] = parsed.data;
  }
  return read as unknown as Settings;
}
