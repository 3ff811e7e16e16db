import { cancelled, LakeferryError } from "../../job/errors.ts";
import type { CredentialsProvider, Grant, ProviderTools } from "./credentials.ts";
import type { Settings } from "./settings.ts";

type SdkKind = "azure-cli" | "azure-msi" | "databricks-cli";

const RENEWALS: Readonly<Record<SdkKind, string>> = {
  "azure-cli": "Sign in again: az login.",
  "azure-msi": "Check that the managed identity is assigned to this machine and added to the workspace.",
  "databricks-cli": "Sign in again: databricks auth login.",
};

/** Milliseconds: `az` takes seconds, and waits for ever where it wants to ask something. */
const SDK_TIMEOUT_MS = 60_000;
const UNKNOWN_LIFETIME_MS = 5 * 60_000;

/**
 * Credentials that a program or a service of this machine holds; the SDK asks it (`az`, `databricks`, the instance
 * metadata service). None of it goes over TLS of the SDK's. A new `Config` is made each time, since it would remember
 * a token that was refused; waiting ends with the signal, or after a minute, since the SDK has no limit of its own.
 */
export function sdkCredentials(kind: SdkKind, settings: Settings, tools: ProviderTools): CredentialsProvider {
  // The SDK's error is not passed on as the cause: it may quote what `az` printed, a token included.
  const failed = (why: string) =>
    new LakeferryError(`No ${kind} credentials for ${tools.origin}: ${why}.`, {
      code: "unauthenticated",
      hint: RENEWALS[kind],
    });
  return {
    kind,
    renewal: RENEWALS[kind],
    renewable: true,
    async obtain(signal) {
      const { Config } = await import("@databricks/sdk-experimental/dist/config/Config.js");
      const config = new Config({
        host: tools.origin,
        authType: kind,
        skipVerify: false,
        loaders: [],
        env: { ...tools.env } as NodeJS.ProcessEnv,
        ...(kind === "azure-msi" ? { azureUseMsi: true } : {}),
        ...(kind === "azure-msi" && settings.azureClientId ? { azureClientId: settings.azureClientId } : {}),
      });
      const headers = new Headers();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(SDK_TIMEOUT_MS)]);
      try {
        await orAborted(config.authenticate(headers), limit);
      } catch {
        if (signal.aborted) throw cancelled(signal);
        throw failed(limit.aborted ? "no answer within a minute" : "they could not be obtained");
      }
      const grant = Object.fromEntries(headers);
      if (!grant.authorization) throw failed("they hold no token");
      return {
        headers: grant,
        expiresAt: expiry(grant.authorization) ?? tools.now() + UNKNOWN_LIFETIME_MS,
      } satisfies Grant;
    },
  };
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** When a JWT expires, by its own word (the service verifies it, we only plan by it). */
function expiry(authorization: string): number | undefined {
  try {
    const payload = Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString("utf8");
    const seconds = (JSON.parse(payload) as { exp?: unknown }).exp;
    return typeof seconds === "number" ? seconds * 1000 : undefined;
  } catch {
    // Not a JWT: its lifetime is not known.
    return undefined;
  }
}
