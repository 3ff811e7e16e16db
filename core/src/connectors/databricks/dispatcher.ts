import { readFile } from "node:fs/promises";
import tls from "node:tls";
import { Agent, Client, type Dispatcher, EnvHttpProxyAgent } from "undici";
import { LakeferryError } from "../../job/errors.ts";

export interface DispatcherOptions {
  /** Connections per host; requests beyond wait. */
  readonly connections: number;
  /** A PEM file with certificate authorities to trust beside the usual ones. */
  readonly caFile?: string | undefined;
  /** Where proxies are read from: HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Milliseconds. Each can be overridden per request but the first. */
export const TIMEOUTS = { connect: 10_000, headers: 60_000, bodyIdle: 60_000 } as const;

// Load balancers close idle connections after a minute or more; a shorter time of ours avoids sending into a closing one.
const KEEP_ALIVE_MS = 30_000;

async function trusted(caFile: string | undefined): Promise<{ ca?: string[] }> {
  if (caFile === undefined) return {};
  let pem: string;
  try {
    pem = await readFile(caFile, "utf8");
  } catch (cause) {
    throw new LakeferryError(`The certificate file ${caFile} cannot be read.`, {
      code: "invalid-input",
      hint: "Set `ca-file` (DATABRICKS_CA_FILE) to a PEM file that this process may read.",
      cause,
    });
  }
  if (!pem.includes("-----BEGIN CERTIFICATE-----"))
    throw new LakeferryError(`${caFile} holds no PEM certificate.`, {
      code: "invalid-input",
      hint: "Convert it: openssl x509 -inform der -in ca.cer -out ca.pem",
    });
  // Giving `ca` replaces the trusted authorities, so the usual ones (NODE_EXTRA_CA_CERTS included) are given again.
  // Node before 22.15 can only tell its own.
  const usual = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  return { ca: [...usual, pem] };
}

/**
 * The connection to a proxy. A CONNECT that the proxy drops is told as ECONNRESET: for its own UND_ERR_SOCKET undici
 * 7 fails no waiting request and connects again for ever. CONNECT waits no longer for a silent proxy than for a server.
 */
class ProxyClient extends Client {
  constructor(origin: URL, options: object) {
    super(origin, { ...options, headersTimeout: TIMEOUTS.connect });
  }

  override connect(options: ConnectOptions): Promise<Dispatcher.ConnectData>;
  override connect(options: ConnectOptions, done: (e: Error | null, d: Dispatcher.ConnectData) => void): void;
  override async connect(options: ConnectOptions): Promise<Dispatcher.ConnectData> {
    try {
      return await super.connect(options);
    } catch (cause) {
      throw Object.assign(new Error("The proxy dropped the connection", { cause }), {
        code: droppedCode(cause),
      });
    }
  }
}

type ConnectOptions = Parameters<Client["connect"]>[0];

function droppedCode(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  return code === "UND_ERR_SOCKET" ? "ECONNRESET" : code;
}

/** undici's pool: keep-alive, bounded, certificates always verified, proxies from the given environment. */
export async function createDispatcher(o: DispatcherOptions): Promise<Dispatcher> {
  const secure = { ...(await trusted(o.caFile)), rejectUnauthorized: true, timeout: TIMEOUTS.connect };
  const options: Agent.Options = {
    connections: o.connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: TIMEOUTS.headers,
    bodyTimeout: TIMEOUTS.bodyIdle,
    connect: secure,
  };
  const { env } = o;
  const httpsProxy = env.https_proxy ?? env.HTTPS_PROXY ?? "";
  const httpProxy = env.http_proxy ?? env.HTTP_PROXY ?? "";
  const noProxy = (env.no_proxy ?? env.NO_PROXY ?? "").trim();
  if ((!httpsProxy && !httpProxy) || noProxy === "*") return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    // An empty string, not undefined: undici would fall back to the process's own environment.
    httpProxy,
    httpsProxy,
    noProxy: ["localhost", "127.0.0.1", "[::1]", "169.254.169.254", noProxy].join(","),
    requestTls: secure,
    proxyTls: secure,
    clientFactory: (origin, options) => new ProxyClient(origin, options),
  });
}
