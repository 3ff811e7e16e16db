import type { LakeferryError } from "../job/errors.ts";

/** Reads `{{secrets/scope/key}}`. */
export type SecretReader = (scope: string, key: string) => Promise<string>;

const ENVIRONMENT = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const REFERENCE = /^\{\{secrets\/([^/{}]+)\/([^/{}]+)\}\}$/;

export function isSecretReference(value: unknown): boolean {
  return typeof value === "string" && REFERENCE.test(value.trim());
}

/**
 * A setting's value: `${NAME}` from the environment, `{{secrets/scope/key}}` from Databricks secrets.
 * @param fail makes the error, which knows where the setting stands
 */
export async function substitute(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  secrets: SecretReader | undefined,
  fail: (problem: string, hint: string) => LakeferryError,
): Promise<unknown> {
  if (typeof value !== "string") return value;
  const reference = REFERENCE.exec(value.trim());
  if (reference) {
    if (!secrets)
      throw fail(
        "there is no Databricks connection to read this secret from",
        "Add a databricks connection whose own settings need no secret reference.",
      );
    return secrets(reference[1]!, reference[2]!);
  }
  return value.replace(ENVIRONMENT, (_all, name: string) => {
    const found = env[name];
    if (found === undefined || found === "")
      throw fail(`the environment variable ${name} is not set`, `Set ${name}, or write another value.`);
    return found;
  });
}
