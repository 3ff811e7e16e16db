import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { databricks } from "../../core/src/connectors/databricks/connector.ts";
import { openDatabricks } from "../../core/src/connectors/databricks/open.ts";
import type { ConnectorContext } from "../../core/src/job/connections.ts";
import { LakeferryError } from "../../core/src/job/errors.ts";
import type { Pacer } from "../../core/src/job/pacer.ts";

/** Passes requests through and counts them; the runtime's retries. Retries only when `retries` says so. */
export class CountingPacer implements Pacer {
  readonly calls: string[] = [];
  readonly errors: LakeferryError[] = [];
  readonly rates = new Map<string, number>();
  retries = 0;

  async call<T>(
    endpoint: string,
    request: (signal: AbortSignal) => Promise<T>,
    options: { idempotent: boolean; signal?: AbortSignal },
  ): Promise<T> {
    this.calls.push(endpoint);
    for (let left = this.retries; ; left--) {
      try {
        return await request(options.signal ?? new AbortController().signal);
      } catch (error) {
        if (!(error instanceof LakeferryError)) throw error;
        this.errors.push(error);
        if (left <= 0 || !error.retryable || !options.idempotent) throw error;
      }
    }
  }

  publish(endpoint: string, perSecond: number): void {
    this.rates.set(endpoint, perSecond);
  }

  count(endpoint: string): number {
    return this.calls.filter((call) => call === endpoint).length;
  }
}

export function contextWith(pacer: Pacer, more: Partial<ConnectorContext> = {}): ConnectorContext {
  return {
    pacer,
    signal: new AbortController().signal,
    now: Date.now,
    random: Math.random,
    env: {},
    temporaryFolder: async (name) => mkdtempSync(join(tmpdir(), `${name}-`)),
    warn: () => {},
    ...more,
  };
}

const cleanups: (() => unknown)[] = [];

/** Runs at the end of a test file's tests: what was opened last is closed first. */
export async function cleanUp(): Promise<void> {
  for (const close of cleanups.splice(0).reverse()) await close();
}

export function later(close: () => unknown): void {
  cleanups.push(close);
}

export async function opened(settings: Record<string, unknown>, more: Partial<ConnectorContext> = {}) {
  const pacer = new CountingPacer();
  const connection = await databricks.open(settings, contextWith(pacer, more));
  later(() => connection.close());
  return { pacer, connection, read: connection.read.workspace, write: connection.write.workspace };
}

export { databricks, openDatabricks };

/** A server that answers as a test says; for what the sandbox, which speaks the API properly, cannot do. */
export async function serving(
  listener: RequestListener,
  onConnect?: (request: IncomingMessage, socket: Duplex) => void,
): Promise<string> {
  const server = createServer(listener);
  if (onConnect) server.on("connect", onConnect);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  later(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The error that a promise rejects with. */
export async function failure(work: Promise<unknown>): Promise<LakeferryError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LakeferryError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** A proxy that leads every host to one server on loopback, and says which hosts were asked for. */
export async function tunnelTo(url: string): Promise<{ env: { HTTPS_PROXY: string }; hosts: string[] }> {
  const hosts: string[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    hosts.push(request.url!);
    const upstream = connect(Number(new URL(url).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on("error", () => end.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  later(() => proxy.close());
  return { env: { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }, hosts };
}

/** A self-signed certificate for 127.0.0.1 and for names that are not looked up. */
export function certificate(...names: string[]): { cert: Buffer; key: Buffer; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  const [cert, key, config] = ["cert.pem", "key.pem", "openssl.cnf"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(
    config,
    "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=workspace.invalid\n" +
      `[ext]\nsubjectAltName=IP:127.0.0.1${names.map((name) => `,DNS:${name}`).join("")}\n`,
  );
  execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-config",
      config,
      "-keyout",
      key,
      "-out",
      cert,
    ],
    { stdio: "ignore" },
  );
  return { cert: readFileSync(cert), key: readFileSync(key), file: cert };
}
