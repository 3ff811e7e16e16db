import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "../../core/src/connectors/git/git.ts";
import type { Change, GitReader } from "../../core/src/connectors/git/port.ts";
import type { ConnectorContext, Opened } from "../../core/src/job/connections.ts";
import { cancelled } from "../../core/src/job/errors.ts";
import type { LeaseHolder } from "../../core/src/job/lease.ts";
import { Secret } from "../../core/src/job/secret.ts";
import { GitServer, type GitServerOptions, type ServedRepository } from "./git-server.ts";

export const token = "s3cret-t0ken-of-a-user";
export const at = new Date("2026-11-20T02:00:00Z");
export const folders: string[] = [];
const connections: Opened<"git">[] = [];
export const linux = process.platform === "linux";

export async function folder(name: string): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), `lakeferry-${name}-`));
  folders.push(made);
  return made;
}

interface Given {
  signal?: AbortSignal;
  now?: () => number;
  env?: Record<string, string>;
  settings?: Record<string, unknown>;
  endpoints?: string[];
}

export async function open(url: string, given: Given = {}): Promise<Opened<"git">> {
  const signal = given.signal ?? new AbortController().signal;
  const context: ConnectorContext = {
    signal,
    now: given.now ?? Date.now,
    random: () => 0.5,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...given.env },
    pacer: {
      call: async (endpoint, request) => {
        given.endpoints?.push(endpoint);
        if (signal.aborted) throw cancelled(signal);
        return request(signal);
      },
      publish: () => {},
    },
    temporaryFolder: folder,
    warn: () => {},
  };
  const settings = { url, committerName: "Ferry", committerEmail: "ferry@example.com", ...given.settings };
  const opened = await git.open(settings, context);
  connections.push(opened);
  return opened;
}

/** Ends every connection and removes every folder that was made; for `afterAll`. */
export async function cleanUp(): Promise<void> {
  for (const one of connections.splice(0)) await one.close();
  for (const one of folders.splice(0)) await rm(one, { recursive: true, force: true });
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

export async function files(read: GitReader, commit: string): Promise<Record<string, string>> {
  await read.fetch([commit]);
  const entries = await all(read.tree(commit));
  const bodies = await all(read.blobs(entries.map((entry) => entry.oid)));
  return Object.fromEntries(entries.map((entry, i) => [entry.path, bodies[i]!.bytes.toString()]));
}

/** Writes a commit with these files and puts a branch on it. */
export async function seed(
  c: Opened<"git">,
  branch: string,
  contents: Record<string, string>,
  parent?: string,
) {
  const changes: Change[] = [];
  for (const [path, body] of Object.entries(contents))
    changes.push({ op: "put", path, oid: await c.write.blob(Buffer.from(body)) });
  const oid = await c.write.newCommit({
    parents: parent ? [parent] : [],
    changes,
    message: "A backup.\n",
    at,
  });
  await c.write.push([{ name: `refs/heads/${branch}`, from: parent, to: oid }]);
  return oid;
}

export const holder = (run: string, more: Partial<LeaseHolder> = {}): LeaseHolder => ({
  run,
  host: hostname(),
  pid: process.pid,
  group: run,
  since: at.toISOString(),
  ...more,
});

export interface Place {
  name: string;
  /** A new, empty repository; `served` when its inside can be looked at. */
  make(): Promise<{ url: string; served?: ServedRepository; settings?: Record<string, unknown> }>;
  end(): Promise<void>;
}

function overHttp(name: string, options: GitServerOptions, settings: Record<string, unknown>): Place {
  let server: Promise<GitServer> | undefined;
  let made = 0;
  return {
    name,
    make: async () => {
      server ??= GitServer.start(options);
      const served = await (await server).repository(`r${++made}`);
      return { url: served.url, served, settings };
    },
    end: async () => (await server)?.close(),
  };
}

const byPath: Place = (() => {
  const place = overHttp("by path", {}, {});
  return {
    ...place,
    make: async () => {
      const { served } = await place.make();
      return { url: served!.path, served: served! };
    },
  };
})();

export const places: Place[] = [
  byPath,
  overHttp(
    "over http, with basic authentication",
    { basic: { password: token } },
    { token: new Secret(token) },
  ),
  overHttp(
    "over http, without filters, with a bearer token",
    { bearer: token, filter: false },
    { token: new Secret(token), authentication: "bearer" },
  ),
];

/** git processes at work in the given folders, with their command lines; none where there is no /proc. */
export async function gitChildren(
  word: string,
  below: readonly string[] = folders,
): Promise<{ pid: number; args: string }[]> {
  const found: { pid: number; args: string }[] = [];
  for (const name of linux ? await readdir("/proc") : []) {
    if (!/^\d+$/.test(name)) continue;
    const args = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
    const ours = below.some((one) => environment.includes(`GIT_DIR=${one}`));
    if (ours && args.includes(word)) found.push({ pid: Number(name), args: args.replaceAll("\0", " ") });
  }
  return found;
}
