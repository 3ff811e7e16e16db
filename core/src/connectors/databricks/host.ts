import { LakeferryError } from "../../job/errors.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * The origin of a workspace from what a user writes: without a scheme it is https, a path or query is dropped (people
 * paste what the browser shows).
 * @throws LakeferryError `invalid-input` for what is no address, carries credentials, or is http anywhere but on loopback
 */
export function workspaceOrigin(host: string): string {
  const trimmed = host.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
  const refuse = (why: string) =>
    new LakeferryError(`The Databricks host ${why}.`, {
      code: "invalid-input",
      hint: "Set `host` (DATABRICKS_HOST) to the workspace's address, such as https://adb-1234567890123456.7.azuredatabricks.net.",
    });
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:") || !url.hostname)
    throw refuse(`${JSON.stringify(trimmed.replace(/\/\/[^/]*@/, "//***@"))} is not an address`);
  if (url.username || url.password) throw refuse(`${url.host} carries credentials in its address`);
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname))
    throw refuse(`${url.origin} is http: credentials are sent over https only, except to this machine`);
  return url.origin;
}
