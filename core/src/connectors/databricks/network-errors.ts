import { cancelled, type ErrorCode, LakeferryError } from "../../job/errors.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly hint?: string;
  readonly retryable?: boolean;
}

const CHECK_HOST =
  "Check `host` (DATABRICKS_HOST), the network and, behind a proxy, HTTPS_PROXY and NO_PROXY.";
const CHECK_CA =
  "When the network uses a private certificate authority, set `ca-file` (DATABRICKS_CA_FILE) to its PEM file. Verification cannot be switched off.";

const unavailable = (says: string, hint?: string): Meaning =>
  hint ? { code: "unavailable", says, hint } : { code: "unavailable", says };
const timeout = (says: string): Meaning => ({ code: "timeout", says });
const untrusted = (says: string, hint = CHECK_CA): Meaning => ({
  code: "unavailable",
  says,
  hint,
  retryable: false,
});

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: unavailable("the connection was refused", CHECK_HOST),
  EHOSTUNREACH: unavailable("the host cannot be reached", CHECK_HOST),
  ENETUNREACH: unavailable("the network cannot be reached", CHECK_HOST),
  ENOTFOUND: unavailable("the host name is not known", CHECK_HOST),
  EAI_AGAIN: unavailable("the host name could not be looked up", CHECK_HOST),
  ECONNRESET: unavailable("the connection was reset"),
  ECONNABORTED: unavailable("the connection was aborted"),
  EPIPE: unavailable("the connection was closed"),
  UND_ERR_SOCKET: unavailable("the connection was closed"),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: unavailable("the answer has another length than announced"),
  UND_ERR_ABORTED: unavailable("the proxy did not open a connection", CHECK_HOST),
  UND_ERR_PRX_TLS: untrusted("the proxy's certificate is not trusted"),
  ETIMEDOUT: timeout("the connection timed out"),
  UND_ERR_CONNECT_TIMEOUT: timeout("no connection in time"),
  UND_ERR_HEADERS_TIMEOUT: timeout("no answer in time"),
  UND_ERR_BODY_TIMEOUT: timeout("the answer stood still"),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted("the server's certificate is self-signed"),
  SELF_SIGNED_CERT_IN_CHAIN: untrusted("the certificate's authority is not known"),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted("the certificate's authority is not known"),
  UNABLE_TO_GET_ISSUER_CERT: untrusted("the certificate's authority is not known"),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted("the certificate's authority is not known"),
  CERT_UNTRUSTED: untrusted("the certificate is not trusted"),
  CERT_HAS_EXPIRED: untrusted(
    "the server's certificate has expired",
    "Check this machine's clock, then the server.",
  ),
  CERT_NOT_YET_VALID: untrusted("the server's certificate is not valid yet", "Check this machine's clock."),
  ERR_TLS_CERT_ALTNAME_INVALID: untrusted(
    "the certificate belongs to another host",
    "Set `host` to the workspace's own address, as the certificate names it.",
  ),
  EPROTO: untrusted("the server does not speak TLS there", "Check the scheme and the port of `host`."),
};

/** The `code` of an error, of what caused it, or of the first of several attempts to connect. */
function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code, cause } = at as Error & { code?: unknown };
    if (typeof code === "string" && code !== "UND_ERR") return code;
    at = at instanceof AggregateError ? at.errors[0] : cause;
  }
  return undefined;
}

function meaningOf(code: string | undefined): Meaning | undefined {
  if (code === undefined) return undefined;
  if (code in MEANINGS) return MEANINGS[code];
  if (code.startsWith("HPE_")) return unavailable("the answer is not HTTP, or broke off");
  if (/^(CERT_|ERR_SSL_|ERR_TLS_)/.test(code)) return untrusted(`TLS failed (${code})`);
  return undefined;
}

/** Why a request that brought no answer failed, by the error's `code`; an abort of ours stays one. */
export function networkError(
  what: string,
  error: unknown,
  o: { signal: AbortSignal; host: string; hostAnswered: boolean; received?: string | undefined },
): LakeferryError {
  if (error instanceof LakeferryError) return error;
  if (o.signal.aborted)
    return o.signal.reason instanceof LakeferryError ? o.signal.reason : cancelled(o.signal);
  const code = codeOf(error);
  const meaning = meaningOf(code);
  if (!meaning)
    return new LakeferryError(`${what}: the request could not be made${code ? ` (${code})` : ""}.`, {
      code: "internal",
      cause: error,
    });
  const broken = o.received === undefined ? meaning.says : `the answer broke off after ${o.received}`;
  return new LakeferryError(`${what}: ${broken} (${o.host}, ${code}).`, {
    code: meaning.code,
    hint: meaning.hint,
    // A name that nobody knows is a wrong setting, unless the same name has answered before.
    retryable: code === "ENOTFOUND" && !o.hostAnswered ? false : meaning.retryable,
    cause: error,
  });
}
