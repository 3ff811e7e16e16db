import { LakeferryError } from "../../job/errors.ts";
import type { Api } from "./api.ts";

/**
 * The value of a secret, as UTF-8 text. Only read, so asked twice it is the same; aborted, it throws `cancelled`.
 * https://docs.databricks.com/api/workspace/secrets/getsecret
 * @throws LakeferryError `not-found` for an unknown scope or key; `forbidden` without READ on the scope
 */
export async function readSecret(api: Api, scope: string, key: string): Promise<string> {
  const query = `scope=${encodeURIComponent(scope)}&key=${encodeURIComponent(key)}`;
  const { value } = await api.json({
    endpoint: "secrets/get",
    method: "GET",
    path: `/api/2.0/secrets/get?${query}`,
    idempotent: true,
    what: `secret ${scope}/${key}`,
    does: "read",
    needs: `READ on the secret scope ${scope}`,
  });
  if (typeof value === "string") return Buffer.from(value, "base64").toString("utf8");
  throw new LakeferryError(`secret ${scope}/${key}: the service named no value.`, { code: "corrupt" });
}
