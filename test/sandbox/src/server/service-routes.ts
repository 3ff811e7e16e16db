import { onlyKnown, text } from "../workspace/parameters.ts";
import { ApiError } from "./api-error.ts";
import { type ApiRequest, json, type Reply } from "./reply.ts";

/** Secrets by scope and key. */
export type Secrets = Record<string, Record<string, string>>;

/** The small read-only routes beside the Workspace API: secrets and the current user. */
export function serviceRoutes(
  secrets: Secrets,
  userName: string,
): Record<string, (request: ApiRequest) => Reply> {
  const scopeOf = (request: ApiRequest, known: string[]) => {
    onlyKnown(request.query.keys(), ["scope", ...known]);
    const scope = text(request.query.get("scope"), "scope");
    const found = Object.hasOwn(secrets, scope) ? secrets[scope] : undefined;
    if (!found) throw new ApiError(404, "RESOURCE_DOES_NOT_EXIST", `Scope ${scope} does not exist!`);
    return { scope, found };
  };
  return {
    "GET /api/2.0/secrets/get": (request) => {
      const { scope, found } = scopeOf(request, ["key"]);
      const key = text(request.query.get("key"), "key");
      if (!Object.hasOwn(found, key)) {
        throw new ApiError(
          404,
          "RESOURCE_DOES_NOT_EXIST",
          `Secret does not exist with scope: ${scope} and key: ${key}`,
        );
      }
      return json({ key, value: Buffer.from(found[key]!).toString("base64") });
    },
    "GET /api/2.0/secrets/list": (request) => {
      const { found } = scopeOf(request, []);
      return json({ secrets: Object.keys(found).map((key) => ({ key, last_updated_timestamp: 0 })) });
    },
    "GET /api/2.0/secrets/scopes/list": () =>
      json({ scopes: Object.keys(secrets).map((name) => ({ name, backend_type: "DATABRICKS" })) }),
    "GET /api/2.0/preview/scim/v2/Me": () =>
      json({
        schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
        id: "4711000000000001",
        userName,
        displayName: userName,
        active: true,
        emails: [{ type: "work", value: userName, primary: true }],
      }),
  };
}
