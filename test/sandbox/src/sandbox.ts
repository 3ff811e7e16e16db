import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type GenerateOptions, generate } from "./generator/generate.ts";
import { Authority, type Credentials } from "./server/auth.ts";
import { type Controls, controlApi, type TreeEntry, treeEntries } from "./server/control.ts";
import type { FaultRule } from "./server/fault-rule.ts";
import { Faults } from "./server/faults.ts";
import { RateLimits } from "./server/rate-limits.ts";
import { requestListener } from "./server/request-listener.ts";
import { type Secrets, serviceRoutes } from "./server/service-routes.ts";
import { changeSettings, DEFAULT_SETTINGS, type Settings } from "./server/settings.ts";
import { Stats, type StatsReport } from "./server/stats.ts";
import { loadFolder } from "./workspace/load-folder.ts";
import { loadSnapshot, saveSnapshot } from "./workspace/snapshot.ts";
import { StaleReads } from "./workspace/stale-reads.ts";
import { WorkspaceTree } from "./workspace/tree.ts";
import { workspaceRoutes } from "./workspace/workspace-api.ts";

export interface SandboxOptions extends Partial<Settings> {
  /** Default 0: a free port. The sandbox listens on 127.0.0.1 only. */
  port?: number;
  /** Where the workspace is kept: loaded at the start when there is a snapshot, written by `close()` and `POST /_sandbox/snapshot`. */
  folder?: string;
  /** What the workspace holds when no snapshot was loaded. Default: nothing. */
  tree?: GenerateOptions | "empty";
  tls?: { cert: string | Buffer; key: string | Buffer };
  /** The token and the service principal; what is not given is chosen at random. */
  tokens?: Partial<Credentials>;
  secrets?: Secrets;
  userName?: string;
  faults?: readonly FaultRule[];
  /** The clock, in milliseconds. */
  now?: () => number;
}

/** A running sandbox. Everything here but `close` is also served below `/_sandbox/`. */
export interface Sandbox {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** A personal access token that never expires. */
  readonly token: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly settings: Readonly<Settings>;
  /** Changes settings; throws for an unknown one. */
  set(change: Partial<Settings>): void;
  stats(): StatsReport;
  resetStats(): void;
  /** Replaces all fault rules and their hit counts. */
  installFaults(rules: readonly FaultRule[]): void;
  faults(): { id: string; rule: FaultRule; seen: number; hits: number }[];
  /** Replaces the workspace by a generated one. */
  generate(options: GenerateOptions): { objects: number; directories: number; bytes: number };
  /** Loads a directory tree from disk; see `data/notebooks/README.md` for the rules. */
  load(folder: string, at?: string): Promise<number>;
  tree(path?: string): TreeEntry[];
  expireTokens(): void;
  /** Writes the workspace to the folder (default: that of the options) and resolves to it. */
  snapshot(folder?: string): Promise<string>;
  /** Persists when there is a folder, breaks open connections, and frees the port. */
  close(): Promise<void>;
}

/** Starts a workspace on loopback. Rejects when the port is taken or the folder's snapshot cannot be read. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const {
    port = 0,
    folder,
    tree: content = "empty",
    tls,
    tokens,
    secrets,
    userName,
    faults: rules,
    now,
    ...rest
  } = options;
  const clock = now ?? Date.now;
  const settings: Settings = { ...DEFAULT_SETTINGS, deniedPaths: [] };
  changeSettings(settings, rest);
  const tree = new WorkspaceTree(clock);
  const stats = new Stats();
  const faults = new Faults();
  const stale = new StaleReads();
  const authority = new Authority(tokens ?? {}, settings, clock);
  const controls: Controls = {
    tree,
    settings,
    stats: () => ({ ...stats.report(), tokensIssued: authority.issued, faultHits: faults.hits() }),
    resetStats: () => stats.reset(),
    installFaults: (list) => {
      faults.install(list);
      stale.stop(tree);
      if (faults.has("stale")) stale.watch(tree);
    },
    faults: () => faults.report(),
    generate: (what) => generate(tree, what),
    expireTokens: () => authority.expireAll(),
    snapshot: async (target = folder) => {
      if (target === undefined) throw new Error("The sandbox was started without a folder.");
      await saveSnapshot(tree, target);
      return target;
    },
  };
  if (!(folder !== undefined && (await loadSnapshot(tree, folder))) && content !== "empty")
    controls.generate(content);
  if (rules) controls.installFaults(rules);

  let url = "";
  const listener = requestListener({
    tree,
    settings,
    authority,
    stats,
    faults,
    stale,
    limits: new RateLimits(settings, clock),
    routes: {
      ...workspaceRoutes(tree, settings),
      ...serviceRoutes(secrets ?? { lakeferry: { example: "a secret" } }, userName ?? "ferry@example.com"),
    },
    control: controlApi(controls),
    origin: () => url,
  });
  const serverOptions = {
    keepAlive: true,
    noDelay: true,
    keepAliveTimeout: 60_000,
    maxHeaderSize: 64 * 1024,
  };
  const server = tls
    ? createTlsServer({ ...serverOptions, ...tls }, listener)
    : createServer(serverOptions, listener);
  const sockets = new Set<Socket>();
  server.on(tls ? "secureConnection" : "connection", (socket: Socket) => {
    stats.connections++;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  url = `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const { token, clientId, clientSecret } = authority.credentials;
  return {
    url,
    token,
    clientId,
    clientSecret,
    settings,
    set: (change) => changeSettings(settings, change),
    stats: controls.stats,
    resetStats: controls.resetStats,
    installFaults: controls.installFaults,
    faults: controls.faults,
    generate: controls.generate,
    load: (from, at) => loadFolder(tree, from, at),
    tree: (path) => treeEntries(tree, path),
    expireTokens: controls.expireTokens,
    snapshot: controls.snapshot,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      if (folder !== undefined) await controls.snapshot();
    },
  };
}
