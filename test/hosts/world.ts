import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Mutation,
  type Sandbox,
  type SandboxOptions,
  startSandbox,
  type TreeEntry,
} from "@lakeferry/sandbox";
import { afterAll, afterEach, expect } from "vitest";
import { BareRepository, type ManifestLine } from "./repository.ts";

const MAIN = fileURLToPath(new URL("../../core/src/cli/main.ts", import.meta.url));

/** Node keeps what it made of the sources: a start takes half the time. Nothing of ours reads it. */
const NODE_COMPILE_CACHE = join(tmpdir(), "lakeferry-tests-compile-cache");

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON it expects
export type Json = any;

/** What a run of the command line left behind. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON lines, when `--json` was given. */
  readonly events: readonly Json[];
  /** The `finished` event. */
  readonly finished: Json;
}

export interface RunOptions {
  /** Instead of the credentials of the world's sandbox. */
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
}

const closing: (() => Promise<unknown>)[] = [];
const endOfFile: (() => Promise<unknown>)[] = [];

/** Runs at the end of the test. */
export function atEnd(work: () => Promise<unknown>): void {
  closing.push(work);
}

afterEach(async () => {
  for (const work of closing.splice(0).reverse()) await work();
});
afterAll(async () => {
  for (const work of endOfFile.splice(0).reverse()) await work();
});

export async function temporaryFolder(name = "e2e", keep: "test" | "file" = "test"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  (keep === "test" ? closing : endOfFile).push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A command line at work. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has said so far, both streams together. */
  output(): string;
  done: Promise<Ran>;
  /** Resolves when the output holds the word; rejects when the command ends without it. */
  saw(word: string | RegExp): Promise<void>;
}

/** Starts the command line with no more of an environment than a user's shell has. */
export function startCli(
  args: readonly string[],
  o: { cwd: string; env: Record<string, string | undefined> },
): Running {
  const env = Object.fromEntries(
    Object.entries({ NODE_COMPILE_CACHE, ...o.env }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  );
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: o.cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  const heard = () => {
    for (const look of watchers) look();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    heard();
  });
  const done = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const events: Json[] = [];
      if (args.includes("--json"))
        for (const line of stdout.split("\n").filter((one) => one !== "")) {
          try {
            events.push(JSON.parse(line));
          } catch {
            // `status --json` is one document; a test that wants lines looks at stdout.
          }
        }
      resolve({ code, signal, stdout, stderr, events, finished: events.find((e) => e?.type === "finished") });
    });
  });
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await done;
  });
  const has = (word: string | RegExp) => {
    const all = stdout + stderr;
    return typeof word === "string" ? all.includes(word) : word.test(all);
  };
  return {
    child,
    pid: child.pid!,
    output: () => stdout + stderr,
    done,
    saw: (word) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!has(word)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void done.then(() =>
          has(word) ? resolve() : reject(new Error(`It ended without ${word}:\n${stdout}${stderr}`)),
        );
      }),
  };
}

/** A sandbox, a repository and an empty folder to run in. */
export interface World {
  readonly sandbox: Sandbox;
  readonly repository: BareRepository;
  /** The working folder of the runs: empty but for what runs leave. */
  readonly cwd: string;
  readonly home: string;
  env(): Record<string, string | undefined>;
  start(args: readonly string[], options?: RunOptions): Running;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** `notebooks backup --json` into the world's repository. */
  backup(args?: readonly string[], options?: RunOptions): Promise<Ran>;
  verify(args?: readonly string[], options?: RunOptions): Promise<Ran>;
  restore(args?: readonly string[], options?: RunOptions): Promise<Ran>;
  control(path: string, body?: unknown): Promise<Json>;
  /** Writes an object as a user does. */
  touch(path: string, content: string | Buffer, more?: Record<string, unknown>): Promise<void>;
  mutate(what: Record<string, number>): Promise<Mutation>;
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  objects(): TreeEntry[];
}

export interface WorldOptions extends SandboxOptions {
  readonly repository?: BareRepository;
}

/** Makes a world for one test. */
export async function world({ repository, ...options }: WorldOptions = {}): Promise<World> {
  const folder = await temporaryFolder();
  const cwd = join(folder, "work");
  const home = join(folder, "home");
  await mkdir(cwd);
  await mkdir(home);
  const sandbox = await startSandbox(options);
  atEnd(() => sandbox.close());
  const bare = repository ?? new BareRepository(join(folder, "backup.git"));
  const env = () => ({
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: folder,
    DATABRICKS_HOST: sandbox.url,
    DATABRICKS_TOKEN: sandbox.token,
  });
  const control = async (path: string, body?: unknown) => {
    const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  const start: World["start"] = (args, o = {}) =>
    startCli(args, { cwd: o.cwd ?? cwd, env: { ...env(), ...o.env } });
  const run: World["run"] = (args, o) => start(args, o).done;
  return {
    sandbox,
    repository: bare,
    cwd,
    home,
    env,
    start,
    run,
    backup: (args = [], o) => run(["notebooks", "backup", "--destination", bare.path, "--json", ...args], o),
    verify: (args = [], o) => run(["notebooks", "verify", "--backup", bare.path, "--json", ...args], o),
    restore: (args = [], o) => run(["notebooks", "restore", "--backup", bare.path, "--json", ...args], o),
    control,
    touch: async (path, content, more = {}) => {
      await control("touch", { path, contentBase64: Buffer.from(content).toString("base64"), ...more });
    },
    mutate: (what) => control("mutate", what),
    remove: async (path) => {
      const answer = await fetch(`${sandbox.url}/api/2.0/workspace/delete`, {
        method: "POST",
        headers: { authorization: `Bearer ${sandbox.token}` },
        body: JSON.stringify({ path, recursive: true }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    rename: async (from, to) => {
      await control("rename", { from, to });
    },
    objects: () => sandbox.tree().filter((o) => EXPORTABLE.has(o.object_type)),
  };
}

const EXPORTABLE = new Set(["NOTEBOOK", "FILE", "DASHBOARD"]);

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Fails with what the run said when it did not end as expected. */
export function expectCode(ran: Ran, code: number): void {
  if (ran.code !== code)
    throw new Error(
      `exit ${ran.code ?? ran.signal}, expected ${code}\n${ran.stdout.slice(-6000)}\n${ran.stderr.slice(-3000)}`,
    );
}

/**
 * The oracle: every object of the workspace is in the manifest exactly once, its file's bytes have the SHA-256 of the
 * workspace's SOURCE, and the tree holds nothing else but the pages. Knows of git and of HTTP only.
 */
export function expectBackup(
  w: Pick<World, "repository">,
  objects: readonly TreeEntry[],
  o: {
    refs?: readonly string[];
    folder?: string;
    root?: string;
    /** Files of others that are to be there too. */
    extra?: readonly string[];
    /** Objects whose bytes may differ from the SOURCE form. */
    otherwise?: (path: string) => boolean;
  } = {},
): ManifestLine[] {
  const { refs = ["main"], folder = "", root = "/", extra = [], otherwise = () => false } = o;
  const prefix = folder === "" ? "" : `${folder}/`;
  const lines = refs.flatMap((ref) => w.repository.manifest(ref, folder).map((line) => ({ ref, line })));
  const base = root === "/" ? "/" : `${root}/`;
  expect(lines.map(({ line }) => base + line.path).sort()).toEqual(objects.map(({ path }) => path).sort());
  const files = new Map(refs.map((ref) => [ref, w.repository.files(ref)]));
  const bytes = w.repository.blobs(lines.map(({ line }) => line.blob));
  const byPath = new Map(objects.map((object) => [object.path, object]));
  for (const { ref, line } of lines) {
    const object = byPath.get(base + line.path)!;
    const where = `${line.path} at ${ref}`;
    expect(files.get(ref)!.get(prefix + line.file), where).toBe(line.blob);
    const content = bytes.get(line.blob)!;
    expect([sha256(content), content.length], where).toEqual([line.sha256, line.size]);
    if (!otherwise(object.path))
      expect([line.sha256, line.size], where).toEqual([object.sha256, object.bytes]);
    expect([line.type, line.language, line.id], where).toEqual([
      object.object_type,
      object.language,
      String(object.object_id),
    ]);
  }
  for (const ref of refs) {
    const own = new Set(lines.filter((one) => one.ref === ref).map(({ line }) => prefix + line.file));
    const rest = [...files.get(ref)!.keys()].filter(
      (path) => !own.has(path) && !path.startsWith(`${prefix}.lakeferry/`),
    );
    const pages = [".gitattributes", ".gitignore", "README.md"].map((page) => prefix + page);
    expect(rest.sort(), ref).toEqual([...new Set([...pages, ...extra])].sort());
  }
  return lines.map(({ line }) => line);
}

/** Every file below a folder with its bytes. */
export async function allFiles(folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(relative(folder, path), await readFile(path).catch(() => Buffer.alloc(0)));
  }
  return found;
}

/** The run records of a state folder, oldest first. */
export async function records(cwd: string, state = ".lakeferry"): Promise<Json[]> {
  const files = [...(await allFiles(join(cwd, state)).catch(() => new Map<string, Buffer>()))]
    .filter(([path]) => /^runs.*\.json$/.test(path))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return files.map(([, bytes]) => JSON.parse(bytes.toString()));
}

/** Requests that change a workspace, by the sandbox's own count. */
export function writes(w: Pick<World, "sandbox">): Record<string, number> {
  const reads = /^(?:GET |HEAD |POST \/oidc)/;
  return Object.fromEntries(Object.entries(w.sandbox.stats().requests).filter(([name]) => !reads.test(name)));
}
