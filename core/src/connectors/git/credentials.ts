import { LakeferryError } from "../../job/errors.ts";
import { Secret } from "../../job/secret.ts";
import type { Address } from "./address.ts";
import type { ConfigEntry, Environment } from "./environment.ts";

export interface CredentialSettings {
  readonly token?: Secret | undefined;
  readonly username?: string | undefined;
  readonly authentication?: "basic" | "bearer" | undefined;
  readonly caFile?: string | undefined;
}

export type Service = "github" | "azure" | "other";

const hostOf = (url: string | undefined) => (url && URL.canParse(url) ? new URL(url).host : undefined);

/** Whose server it is: decides the user name a token goes with, and what a hint says. */
export function serviceOf(address: Address, env: Environment = {}): Service {
  const host = address.kind === "http" ? hostOf(address.url) : undefined;
  if (!host) return "other";
  if (host === "github.com" || host.endsWith(".ghe.com") || host === hostOf(env.GITHUB_SERVER_URL))
    return "github";
  return host === "dev.azure.com" || host.endsWith(".visualstudio.com") ? "azure" : "other";
}

/** The token a CI host hands to its jobs, for that host's own server alone: it goes to no other. */
function hostToken(address: Address, env: Environment): string | undefined {
  const host = hostOf(address.url);
  if (!host) return undefined;
  if (env.GITHUB_TOKEN && host === hostOf(env.GITHUB_SERVER_URL)) return env.GITHUB_TOKEN;
  const collection = env.SYSTEM_COLLECTIONURI ?? env.SYSTEM_TEAMFOUNDATIONCOLLECTIONURI;
  return env.SYSTEM_ACCESSTOKEN && host === hostOf(collection) ? env.SYSTEM_ACCESSTOKEN : undefined;
}

const looksLikeJwt = (token: string) => /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(token);

/** How requests to the remote are authenticated; nothing of it is in argv, in a URL or in a file. */
export interface Credentials {
  /** The value of the Authorization header; absent: git's own credential helpers are asked. */
  readonly authorization: Secret | undefined;
  readonly caFile: string | undefined;
  readonly service: Service;
}

/**
 * Chooses the credential: the connection's token, else the one the CI host gives for its own server.
 * @throws LakeferryError `invalid-input` when a token is given for an address it cannot be sent to
 */
export function chooseCredentials(
  address: Address,
  settings: CredentialSettings,
  env: Environment,
): Credentials {
  const service = serviceOf(address, env);
  const { caFile } = settings;
  if (address.kind !== "http") return { authorization: undefined, caFile, service };
  const token = settings.token?.reveal() ?? hostToken(address, env);
  if (token === undefined) return { authorization: undefined, caFile, service };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a header must not hold them
  if (/[\x00-\x1f\x7f]/.test(token))
    throw new LakeferryError(
      "The token of the git connection holds a line end or another control character.",
      {
        code: "invalid-input",
        hint: "Copy the token again, without what follows it.",
      },
    );
  const kind = settings.authentication ?? (looksLikeJwt(token) ? "bearer" : "basic");
  const user =
    settings.username ?? (service === "github" ? "x-access-token" : (address.username ?? "x-access-token"));
  const value =
    kind === "bearer" ? `Bearer ${token}` : `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;
  return { authorization: new Secret(value), caFile, service };
}

/**
 * The credential as settings of one git child. They are bound to the repository's own URL, so that no more specific
 * setting of the user's outranks them; redirects are not followed with a token, since git would take it along.
 */
export function credentialConfig(address: Address, credentials: Credentials): ConfigEntry[] {
  if (address.kind !== "http") return [];
  const { authorization, caFile } = credentials;
  const own = `http.${address.url}`;
  return [
    [`${own}.sslVerify`, "true"],
    ...(caFile ? [[`${own}.sslCAInfo`, caFile] as const] : []),
    ...(authorization
      ? ([
          [`${own}.extraHeader`, ""],
          [`${own}.extraHeader`, `Authorization: ${authorization.reveal()}`],
          [`${own}.followRedirects`, "false"],
          // The last word clears the whole list of helpers: the token given is the one that is used.
          ["credential.helper", ""],
        ] as const)
      : []),
  ];
}

/** What a reader does when the credentials are missing, refused or too weak. */
export function tokenHint(service: Service, write: boolean): string {
  if (service === "github")
    return `Use a fine-grained token with Contents: ${write ? "read and write" : "read"} on this repository, or in Actions \`permissions: contents: ${write ? "write" : "read"}\`.`;
  if (service === "azure")
    return `Use a personal access token with the scope Code: ${write ? "read & write" : "read"}, or System.AccessToken with the build service allowed to ${write ? "contribute" : "read"}.`;
  return `Give a token that may ${write ? "write" : "read"} this repository as the connection's \`token\` or in LAKEFERRY_GIT_TOKEN.`;
}
