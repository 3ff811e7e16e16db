import { access, constants, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { EnvHttpProxyAgent, request } from "undici";
import { cancelled, type ErrorCode, LakeferryError } from "../../job/errors.ts";
import type { Address } from "./address.ts";
import { type Credentials, tokenHint } from "./credentials.ts";
import type { Environment } from "./environment.ts";
import { type Finished, lastLine } from "./processes.ts";

export type RemoteService = "git-upload-pack" | "git-receive-pack";

export interface Failure {
  /** What was tried: `fetch from`. */
  readonly doing: string;
  readonly service: RemoteService;
  readonly finished: Finished;
  readonly signal?: AbortSignal | undefined;
}

const tlsCodes = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/**
 * Learns why git could not work with the remote. git ends with 128 for everything, so its text is not read: an HTTP
 * remote is asked the first question of the protocol again, and of a path the file system is asked.
 */
export class FailureFinder {
  readonly #address: Address;
  readonly #credentials: Credentials;
  readonly #env: Environment;

  constructor(address: Address, credentials: Credentials, env: Environment) {
    this.#address = address;
    this.#credentials = credentials;
    this.#env = env;
  }

  /** The reason as an error; never throws. An unclear one is `unavailable`, and may be tried again. */
  async explain(failure: Failure): Promise<LakeferryError> {
    if (failure.signal?.aborted) return cancelled(failure.signal);
    const found =
      this.#address.kind === "http"
        ? await this.#askServer(failure)
        : this.#address.kind === "path"
          ? await this.#askFileSystem(failure)
          : undefined;
    if (failure.signal?.aborted) return cancelled(failure.signal);
    if (found) return found;
    const hint =
      this.#address.kind === "ssh"
        ? "See that `ssh` reaches the host without asking a question: a key in the agent, the host in known_hosts."
        : undefined;
    return this.#error(
      failure,
      "unavailable",
      `git said: ${this.#scrub(lastLine(failure.finished.stderr))}`,
      hint,
    );
  }

  #error(
    failure: Failure,
    code: ErrorCode,
    reason: string,
    hint?: string,
    retryAfterMs?: number,
  ): LakeferryError {
    return new LakeferryError(`Could not ${failure.doing} ${this.#address.url}: ${reason}`, {
      code,
      hint,
      retryAfterMs,
    });
  }

  /** Takes the credential out of a text that a server or a hook wrote. */
  #scrub(text: string): string {
    const value = this.#credentials.authorization?.reveal().split(" ")[1];
    return value ? text.replaceAll(value, "***") : text;
  }

  async #askServer(failure: Failure): Promise<LakeferryError | undefined> {
    const { authorization, caFile, service } = this.#credentials;
    const write = failure.service === "git-receive-pack";
    const hint = tokenHint(service, write);
    const dispatcher = await this.#dispatcher(caFile);
    try {
      const url = `${this.#address.url.replace(/\/$/, "")}/info/refs?service=${failure.service}`;
      const answer = await request(url, {
        dispatcher,
        headersTimeout: 10_000,
        bodyTimeout: 10_000,
        signal: AbortSignal.any([...(failure.signal ? [failure.signal] : []), AbortSignal.timeout(15_000)]),
        headers: {
          "user-agent": "git/lakeferry",
          ...(authorization && { authorization: authorization.reveal() }),
        },
      });
      answer.body.on("error", () => {});
      answer.body.destroy();
      const { statusCode: status, headers } = answer;
      const say = (code: ErrorCode, reason: string, next?: string) =>
        this.#error(failure, code, `${reason} (HTTP ${status}).`, next, retryAfter(headers["retry-after"]));
      if (status === 401 || status === 203)
        return say("unauthenticated", authorization ? "the token was refused" : "it asks for a token", hint);
      if (status === 403)
        return say("forbidden", `the token may not ${write ? "write to" : "read"} it`, hint);
      if (status === 404 || status === 410)
        return say("not-found", "there is no such repository, or the token may not see it", hint);
      if (status === 407)
        return say("unauthenticated", "the proxy asks for credentials", "Set them in HTTPS_PROXY.");
      if (status === 429) return say("throttled", "it asks to slow down");
      if (status >= 500) return say("unavailable", "the server cannot answer now");
      if (status >= 300 && status < 400)
        return this.#moved(failure, headers.location, authorization !== undefined);
      if (status >= 400) return say("not-supported", "the server does not speak git here");
      return undefined;
    } catch (cause) {
      const code = String((cause as NodeJS.ErrnoException).code ?? "");
      if (tlsCodes.test(code))
        return this.#error(
          failure,
          "unavailable",
          `its certificate is not trusted (${code}).`,
          "Give the certificate of the authority that signed it as the connection's `caFile`.",
        );
      if (!code) return undefined;
      return this.#error(
        failure,
        "unavailable",
        `it cannot be reached (${code}).`,
        "See that the address is right, and that a proxy or firewall between here and there lets it through.",
      );
    } finally {
      await dispatcher.destroy();
    }
  }

  #moved(failure: Failure, location: unknown, withToken: boolean): LakeferryError | undefined {
    if (!withToken) return undefined;
    const target = URL.parse(String(location ?? ""), this.#address.url);
    if (target && /signin|login|auth/i.test(target.pathname + target.host))
      return this.#error(
        failure,
        "unauthenticated",
        "the token was refused.",
        tokenHint(this.#credentials.service, true),
      );
    const to = target ? ` to ${target.origin}${target.pathname.replace(/\/info\/refs$/, "")}` : "";
    return this.#error(
      failure,
      "not-found",
      `it has moved${to}.`,
      "Give the new address; a token is not sent after a redirect.",
    );
  }

  async #dispatcher(caFile: string | undefined): Promise<EnvHttpProxyAgent> {
    const env = (name: string) => this.#env[name.toLowerCase()] ?? this.#env[name.toUpperCase()] ?? "";
    // A file that cannot be read is git's own error too; here the built-in authorities answer for it.
    const own = caFile ? await readFile(caFile, "utf8").catch(() => undefined) : undefined;
    return new EnvHttpProxyAgent({
      httpProxy: env("http_proxy"),
      httpsProxy: env("https_proxy"),
      noProxy: env("no_proxy"),
      connect: { timeout: 10_000, ...(own && { ca: [...rootCertificates, own] }) },
    });
  }

  async #askFileSystem(failure: Failure): Promise<LakeferryError | undefined> {
    const path = this.#address.url;
    try {
      await stat(path);
      const inside = await Promise.all([join(path, ".git"), path].map((root) => isRepository(root)));
      if (!inside.includes(true))
        return this.#error(
          failure,
          "not-found",
          "the folder is not a git repository.",
          `Create it: git init --bare "${path}"`,
        );
      if (failure.service === "git-receive-pack" && inside[1])
        await access(join(path, "objects"), constants.W_OK | constants.X_OK);
      return undefined;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR")
        return this.#error(
          failure,
          "not-found",
          "there is no such folder.",
          `Create it: git init --bare "${path}"`,
        );
      if (code === "EACCES" || code === "EPERM" || code === "EROFS")
        return this.#error(failure, "forbidden", `this user has no right to it (${code}).`);
      return this.#error(failure, "unavailable", `the file system failed (${code}).`);
    }
  }
}

async function isRepository(root: string): Promise<boolean> {
  // A `.git` file points to a repository elsewhere.
  const found = await stat(root).catch(() => undefined);
  if (found?.isFile()) return true;
  return Boolean(await stat(join(root, "objects")).catch(() => undefined));
}

function retryAfter(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
