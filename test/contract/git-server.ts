import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** `git-upload-pack` (fetch, ls-remote) or `git-receive-pack` (push). */
  readonly service: "git-upload-pack" | "git-receive-pack" | undefined;
  readonly authorization: string | undefined;
  readonly status: number;
  /** Of the body as it came: a large one shows a push or a list of wanted objects. */
  readonly bytes: number;
  /** The git protocol's command of a version 2 request: `fetch` or `ls-refs`. */
  readonly command: string | undefined;
}

/** What a request meets instead of git. `times` counts down; without it, it stays until `heal`. */
export type Fault = {
  readonly service?: "git-upload-pack" | "git-receive-pack";
  /** Only requests with this method; GET is the advertisement. */
  readonly method?: "GET" | "POST";
  readonly times?: number;
} & (
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly delayMs: number }
  /** The connection is cut without an answer. */
  | { readonly reset: true }
  /** The answer is cut in the middle. */
  | { readonly truncate: true }
);

export interface GitServerOptions {
  /** Only requests with one of these pass; others get 401. */
  readonly basic?: { readonly username?: string; readonly password: string };
  readonly bearer?: string;
  /** Whether blobs may be left out of a fetch. Default true. */
  readonly filter?: boolean;
}

export interface ServedRepository {
  /** `http://127.0.0.1:<port>/<name>.git` */
  readonly url: string;
  /** The bare repository's folder, for looking at it behind the server's back. */
  readonly path: string;
  /** Runs git in it and gives its output, trimmed. */
  git(...args: string[]): string;
  /** Puts a shell script in as a hook: `hook("pre-receive", "exit 1")`. */
  hook(name: "pre-receive" | "update" | "post-receive", script: string): Promise<void>;
}

const serviceIn = (text: string) => /git-(upload|receive)-pack/.exec(text)?.[0] as SeenRequest["service"];

/**
 * A git server on loopback: git's own `http-backend` behind a small CGI host, so that it speaks the real protocol. It
 * can ask for credentials, fail in the ways servers fail, and tells what it was asked.
 */
export class GitServer {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #options: GitServerOptions;
  readonly #root: string;
  readonly #children = new Set<ChildProcess>();
  #seen: SeenRequest[] = [];
  #faults: { fault: Fault; left: number; hits: number }[] = [];

  private constructor(root: string, options: GitServerOptions) {
    this.#root = root;
    this.#options = options;
  }

  static async start(options: GitServerOptions = {}): Promise<GitServer> {
    const server = new GitServer(await mkdtemp(join(tmpdir(), "git-server-")), options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Makes an empty bare repository. */
  async repository(name: string): Promise<ServedRepository> {
    const path = join(this.#root, `${name}.git`);
    await mkdir(path);
    const git = (...args: string[]) =>
      execFileSync("git", ["--git-dir", path, ...args], {
        encoding: "utf8",
        maxBuffer: 1 << 28,
        stdio: ["ignore", "pipe", "pipe"],
      }).trim();
    git("init", "--bare", "--quiet", "--template=", "--initial-branch=main");
    git("config", "http.receivepack", "true");
    git("config", "uploadpack.allowFilter", String(this.#options.filter ?? true));
    git("config", "uploadpack.allowAnySHA1InWant", "true");
    git("config", "receive.autogc", "false");
    return {
      url: `${this.url}/${name}.git`,
      path,
      git,
      hook: async (hook, script) => {
        await mkdir(join(path, "hooks"), { recursive: true });
        await writeFile(join(path, "hooks", hook), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      },
    };
  }

  /** The requests since the start or the last `forget`. */
  get requests(): readonly SeenRequest[] {
    return this.#seen;
  }

  /** Requests that fetched objects: the advertisement and the list of refs do not count. */
  get fetches(): readonly SeenRequest[] {
    return this.#seen.filter((one) => one.command === "fetch");
  }

  forget(): void {
    this.#seen = [];
  }

  /** Adds a fault; several are tried in the order they were added. */
  fault(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY, hits: 0 });
  }

  /** Takes all faults away, and tells how often they were met: a fault that was never met tested nothing. */
  heal(): number {
    const hits = this.#faults.reduce((sum, one) => sum + one.hits, 0);
    this.#faults = [];
    return hits;
  }

  /** Ends the server and its children, and removes its repositories. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#root, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const service = serviceIn(url.pathname) ?? serviceIn(url.search);
    const seen = {
      method: request.method ?? "GET",
      path: url.pathname,
      service,
      authorization: request.headers.authorization,
      status: 0,
      bytes: 0,
      command: undefined as string | undefined,
    };
    this.#seen.push(seen);
    request.on("data", (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
    request.pause();
    response.on("close", () => {
      seen.status = response.statusCode;
    });
    const fault = this.#meet(request.method ?? "GET", service);
    if (fault && "reset" in fault) return void request.socket.destroy();
    if (fault && "delayMs" in fault) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault && "status" in fault) return void response.writeHead(fault.status, fault.headers).end();
    if (!this.#isAllowed(request.headers.authorization)) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    this.#runBackend(request, response, url, seen, Boolean(fault && "truncate" in fault));
  }

  #meet(method: string, service: SeenRequest["service"]): Fault | undefined {
    const met = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.service === undefined || fault.service === service) &&
        (fault.method === undefined || fault.method === method),
    );
    if (!met) return undefined;
    met.left -= 1;
    met.hits += 1;
    return met.fault;
  }

  #isAllowed(authorization: string | undefined): boolean {
    const { basic, bearer } = this.#options;
    if (!basic && !bearer) return true;
    if (bearer && authorization === `Bearer ${bearer}`) return true;
    const encoded = /^Basic (.+)$/.exec(authorization ?? "")?.[1];
    if (!basic || !encoded) return false;
    const [user, ...password] = Buffer.from(encoded, "base64").toString("utf8").split(":");
    return password.join(":") === basic.password && (basic.username ?? user) === user;
  }

  #runBackend(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    seen: { command: string | undefined },
    truncate: boolean,
  ): void {
    const child = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: this.#root,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        ...(request.headers["content-length"] && { CONTENT_LENGTH: request.headers["content-length"] }),
        ...(request.headers["content-encoding"] && {
          HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
        }),
        ...(request.headers["git-protocol"] && { GIT_PROTOCOL: String(request.headers["git-protocol"]) }),
        REMOTE_USER: "someone",
        REMOTE_ADDR: "127.0.0.1",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#children.add(child);
    child.on("close", () => this.#children.delete(child));
    child.stdin.on("error", () => {});
    request.once("data", (chunk: Buffer) => {
      const zipped = request.headers["content-encoding"] === "gzip";
      const text = zipped ? gunzipSync(chunk, { finishFlush: constants.Z_SYNC_FLUSH }) : chunk;
      seen.command = /command=([a-z-]+)/.exec(text.toString("latin1", 0, 200))?.[1];
    });
    request.pipe(child.stdin);
    response.on("close", () => child.kill());
    let head = Buffer.alloc(0);
    let started = false;
    child.stdout.on("data", (chunk: Buffer) => {
      if (!started) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        started = true;
        writeHead(response, head.toString("latin1", 0, end));
        response.write(head.subarray(end + 4));
        if (truncate) setTimeout(() => request.socket.destroy(), 20);
      } else if (!truncate && !response.write(chunk)) {
        child.stdout.pause();
        response.once("drain", () => child.stdout.resume());
      }
    });
    child.on("close", () => {
      if (!started) response.writeHead(500);
      response.end();
    });
  }
}

/** A CGI header: `Status` is the status, everything else goes along. */
function writeHead(response: ServerResponse, head: string): void {
  for (const line of head.split("\r\n")) {
    const [name = "", ...value] = line.split(": ");
    if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value.join(": "), 10);
    else response.setHeader(name, value.join(": "));
  }
}
