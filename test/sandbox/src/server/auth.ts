import { randomBytes } from "node:crypto";
import { ApiError, denied } from "./api-error.ts";
import { type ApiRequest, json, type Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";

/** Who may use the sandbox; chosen at random unless given. */
export interface Credentials {
  /** The personal access token. */
  token: string;
  /** The service principal, for OAuth and for the Azure token endpoints. */
  clientId: string;
  clientSecret: string;
  /** What a token exchange accepts as `subject_token`; absent: any. */
  subjectTokens?: readonly string[];
}

export const TENANT = "00000000-0000-4000-8000-000000000001";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const SUBJECT_JWT = "urn:ietf:params:oauth:token-type:jwt";

/** Issues tokens and checks them. */
export class Authority {
  readonly credentials: Credentials;
  readonly #settings: Settings;
  readonly #now: () => number;
  /** Tokens from the token endpoint with the time of their end; an ended one is kept, so that its use answers 401. */
  readonly #tokens = new Map<string, number>();
  issued = 0;

  constructor(credentials: Partial<Credentials>, settings: Settings, now: () => number) {
    const hex = (bytes: number) => randomBytes(bytes).toString("hex");
    this.credentials = {
      token: `dapi${hex(16)}`,
      clientId: "00000000-0000-4000-8000-00000000c11e",
      clientSecret: `dose${hex(16)}`,
      ...credentials,
    };
    this.#settings = settings;
    this.#now = now;
  }

  /** Throws 401 without a token or with one that has ended, 403 with a token nobody issued. */
  check(request: Pick<ApiRequest, "headers">): void {
    const header = request.headers.authorization;
    if (typeof header !== "string" || !header.startsWith("Bearer ")) {
      const message = "Credential was not sent or was of an unsupported type for this API.";
      throw new ApiError(401, "UNAUTHENTICATED", message, {
        "www-authenticate": 'Bearer realm="DatabricksRealm"',
      });
    }
    const token = header.slice(7);
    if (token === this.credentials.token) return;
    const end = this.#tokens.get(token);
    if (end === undefined) throw denied("Invalid access token.");
    if (this.#now() >= end) throw new ApiError(401, "UNAUTHENTICATED", "The access token is expired.");
  }

  /** Ends every token of the token endpoints; the personal access token goes on. */
  expireAll(): void {
    for (const token of this.#tokens.keys()) this.#tokens.set(token, 0);
  }

  /** The unauthenticated routes: discovery as the SDKs do it, the workspace's token endpoint, and an imitation of Azure's. */
  route(request: ApiRequest, origin: string): Reply | undefined {
    const { method, path } = request;
    if (method === "GET" && path === "/oidc/.well-known/oauth-authorization-server")
      return json(discovery(origin));
    if (method === "GET" && path === "/.well-known/databricks-config") {
      return json({ oidc_endpoint: `${origin}/oidc`, workspace_id: "7000000000000001" });
    }
    if (method === "GET" && (path === "/oidc/oauth2/v2.0/authorize" || path === "/aad/auth")) {
      return { ...json({}, 302), headers: { location: `${origin}/${TENANT}/oauth2/authorize` } };
    }
    if (method !== "POST") return undefined;
    if (path === "/oidc/v1/token") return this.#oauth(request);
    const azure = /^\/[^/]+\/oauth2\/(v2\.0\/)?token$/.exec(path);
    return azure ? this.#azure(request, azure[1] !== undefined) : undefined;
  }

  #oauth(request: ApiRequest): Reply {
    const form = new URLSearchParams(request.body.toString("utf8"));
    const grant = form.get("grant_type");
    if (grant === "client_credentials") {
      const [id, secret] = clientOf(request, form);
      if (id !== this.credentials.clientId || secret !== this.credentials.clientSecret) {
        return oauthError(401, "invalid_client", "Client authentication failed");
      }
    } else if (grant === EXCHANGE) {
      const subject = form.get("subject_token");
      if (!subject || form.get("subject_token_type") !== SUBJECT_JWT) {
        return oauthError(
          400,
          "invalid_request",
          `subject_token and subject_token_type=${SUBJECT_JWT} are required`,
        );
      }
      const { subjectTokens, clientId } = this.credentials;
      const client = form.get("client_id");
      if ((client !== null && client !== clientId) || (subjectTokens && !subjectTokens.includes(subject))) {
        return oauthError(401, "invalid_grant", "No federation policy accepts the subject token");
      }
    } else {
      return oauthError(400, "unsupported_grant_type", `The sandbox does not serve the grant ${grant}`);
    }
    return json({
      access_token: this.#issue(),
      token_type: "Bearer",
      expires_in: this.#settings.tokenSeconds,
      scope: "all-apis",
    });
  }

  #azure(request: ApiRequest, v2: boolean): Reply {
    const form = new URLSearchParams(request.body.toString("utf8"));
    const { clientId, clientSecret } = this.credentials;
    if (form.get("grant_type") !== "client_credentials") {
      return oauthError(
        400,
        "unsupported_grant_type",
        "AADSTS70003: the sandbox serves client_credentials only",
      );
    }
    if (!form.get(v2 ? "scope" : "resource")) {
      return oauthError(
        400,
        "invalid_request",
        `AADSTS900144: the body must contain ${v2 ? "scope" : "resource"}`,
      );
    }
    const [id, secret] = clientOf(request, form);
    if (id !== clientId || secret !== clientSecret) {
      return oauthError(401, "invalid_client", "AADSTS7000215: Invalid client secret provided");
    }
    const seconds = this.#settings.tokenSeconds;
    const token = { token_type: "Bearer", access_token: this.#issue() };
    if (v2) return json({ ...token, expires_in: seconds, ext_expires_in: seconds });
    const end = Math.floor(this.#now() / 1000) + seconds;
    return json({ ...token, expires_in: `${seconds}`, expires_on: `${end}`, resource: form.get("resource") });
  }

  #issue(): string {
    const token = `sandbox-${++this.issued}-${randomBytes(12).toString("hex")}`;
    this.#tokens.set(token, this.#now() + this.#settings.tokenSeconds * 1000);
    return token;
  }
}

/** Client id and secret of a token request, from Basic authentication or from the form. */
function clientOf(request: ApiRequest, form: URLSearchParams): [string | null, string | null] {
  const header = request.headers.authorization;
  if (typeof header !== "string" || !header.startsWith("Basic ")) {
    return [form.get("client_id"), form.get("client_secret")];
  }
  const pair = Buffer.from(header.slice(6), "base64").toString("utf8");
  const colon = pair.indexOf(":");
  const decode = (part: string) => decodeURIComponent(part.replaceAll("+", " "));
  return [decode(pair.slice(0, colon)), decode(pair.slice(colon + 1))];
}

const oauthError = (status: number, error: string, description: string): Reply =>
  json({ error, error_description: description }, status);

const discovery = (origin: string) => ({
  issuer: `${origin}/oidc`,
  authorization_endpoint: `${origin}/oidc/v1/authorize`,
  token_endpoint: `${origin}/oidc/v1/token`,
  jwks_uri: `${origin}/oidc/jwks.json`,
  grant_types_supported: ["client_credentials", EXCHANGE],
  token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  scopes_supported: ["all-apis", "offline_access", "openid"],
});
