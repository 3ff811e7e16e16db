import { cancelled, LakeferryError } from "../../job/errors.ts";
import type { Pacer } from "../../job/pacer.ts";
import type { Address } from "./address.ts";
import { type Credentials, credentialConfig } from "./credentials.ts";
import { type ConfigEntry, type Environment, settledConfig } from "./environment.ts";
import { FailureFinder, type RemoteService } from "./failures.ts";
import { readBatch } from "./objects.ts";
import { type Finished, GitProcesses, type Running, type RunOptions } from "./processes.ts";

/** The first git that takes settings from its environment, where a credential is not seen. */
const oldest = [2, 31] as const;
const remoteTimeoutMs = 30 * 60_000;

export interface RepositoryOptions {
  readonly address: Address;
  readonly credentials: Credentials;
  readonly env: Environment;
  readonly pacer: Pacer;
  readonly signal: AbortSignal;
}

/** What git of this machine is. @throws LakeferryError `not-supported` when it is missing or too old */
export async function gitVersion(folder: string, env: Environment, signal?: AbortSignal): Promise<string> {
  const said = await new GitProcesses(folder, env, []).expect(["--version"], { signal });
  const [, version = "", major, minor] = /git version ((\d+)\.(\d+)[\w.]*)/.exec(said.toString("utf8")) ?? [];
  const [least, leastMinor] = oldest;
  if (Number(major) > least || (Number(major) === least && Number(minor) >= leastMinor)) return version;
  throw new LakeferryError(`git ${version} is too old.`, {
    code: "not-supported",
    hint: `Install git ${oldest.join(".")} or newer, and see that it is on the PATH.`,
  });
}

/**
 * A bare repository in a folder that is thrown away, and its one remote. No command in it ever fetches by itself:
 * only the commands that fetch are told that the remote promises what is missing.
 */
export class Repository {
  readonly address: Address;
  readonly folder: string;
  readonly #processes: GitProcesses;
  readonly #options: RepositoryOptions;
  readonly #failures: FailureFinder;
  readonly #remote: readonly ConfigEntry[];

  private constructor(folder: string, options: RepositoryOptions) {
    this.folder = folder;
    this.address = options.address;
    this.#options = options;
    this.#processes = new GitProcesses(folder, options.env, settledConfig(folder));
    this.#failures = new FailureFinder(options.address, options.credentials, options.env);
    const { url, kind } = options.address;
    this.#remote = [
      ["remote.lakeferry.url", url],
      // The longest rewrite wins: this one leaves the address as the connection gives it.
      [`url.${url}.insteadOf`, url],
      [`url.${url}.pushInsteadOf`, url],
      ...(kind === "path" ? uploadPack : []),
      ...credentialConfig(options.address, options.credentials),
    ];
  }

  /** Makes the repository in an empty folder. */
  static async create(folder: string, options: RepositoryOptions): Promise<Repository> {
    await gitVersion(folder, options.env, options.signal);
    const made = new GitProcesses(folder, options.env, []);
    const init = ["init", "--bare", "--quiet", "--template=", "--object-format=sha1"];
    await made.expect(init, { signal: options.signal });
    return new Repository(folder, options);
  }

  /** Runs a command that touches this repository alone. */
  local(args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    return this.#processes.expect(args, {
      env: offline,
      ...options,
      signal: options.signal ?? this.#options.signal,
    });
  }

  /** The same, for a command whose exit code is an answer. */
  ask(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.#processes.run(args, {
      env: offline,
      ...options,
      signal: options.signal ?? this.#options.signal,
    });
  }

  /** Starts a command that streams and touches this repository alone. */
  start(
    args: readonly string[],
    options: { signal?: AbortSignal; config?: readonly ConfigEntry[] } = {},
  ): Running {
    return this.#processes.start(args, { signal: this.#options.signal, env: offline, ...options });
  }

  /** Streams the output of a local command; stopping early ends the command. */
  async *stream(
    args: readonly string[],
    input?: string,
    signal = this.#options.signal,
  ): AsyncIterable<Buffer> {
    const running = this.start(args, { signal });
    running.child.stdin.end(input ?? "");
    let whole = false;
    try {
      for await (const chunk of running.child.stdout) yield chunk as Buffer;
      whole = true;
    } finally {
      if (!whole) running.kill();
    }
    const finished = await running.finished;
    if (signal.aborted) throw cancelled(signal);
    if (finished.code !== 0)
      throw new LakeferryError(
        `git ${args[0]} could not read ${this.address.url}: ${finished.stderr.trim()}`,
        {
          code: "corrupt",
        },
      );
  }

  /**
   * One request of the remote, paced. Exit codes in `accepted` are answers; every other is explained and thrown.
   * With `unpaced`, the run may be over already: what gives a lease back is done all the same.
   */
  async remote(
    endpoint: "git/fetch" | "git/push" | "git/refs",
    args: readonly string[],
    options: RunOptions & {
      readonly doing: string;
      readonly service?: RemoteService;
      readonly accepted?: (finished: Finished) => boolean;
      readonly unpaced?: AbortSignal | undefined;
    },
  ): Promise<Finished> {
    const { doing, service = "git-upload-pack", accepted, unpaced, ...rest } = options;
    const request = async (signal: AbortSignal) => {
      const finished = await this.#processes.run(args, {
        timeoutMs: remoteTimeoutMs,
        ...rest,
        signal,
        config: [...this.#remote, ...(rest.config ?? [])],
        env: { GIT_ALLOW_PROTOCOL: protocolOf(this.address), ...rest.env },
      });
      if (finished.code !== 0 && !accepted?.(finished))
        throw await this.#failures.explain({ doing, service, finished, signal });
      return finished;
    };
    if (unpaced) return request(unpaced);
    return this.#options.pacer.call(
      endpoint,
      (signal) => request(AbortSignal.any([signal, this.#options.signal])),
      { idempotent: true },
    );
  }

  /** Which of the objects are not here; the others with their type. */
  async missing(oids: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
    const missing = new Set<string>();
    if (oids.length === 0) return missing;
    const output = await this.local(["cat-file", "--batch-check=%(objectname) %(objecttype)", "--buffer"], {
      input: `${oids.join("\n")}\n`,
      signal,
    });
    for (const line of output.toString("latin1").split("\n"))
      if (line.endsWith(" missing")) missing.add(line.slice(0, 40));
    return missing;
  }

  /** One object that must be here. */
  async object(oid: string, type: string, signal?: AbortSignal): Promise<Buffer> {
    for await (const found of readBatch(this.stream(["cat-file", "--batch"], `${oid}\n`, signal)))
      if (found.bytes && found.type === type) return found.bytes;
    throw new LakeferryError(`There is no ${type} ${oid} here; it was not fetched.`, { code: "not-found" });
  }

  /** Writes an object by itself, without `git fast-import`, and answers its id. */
  async store(type: "commit" | "tag" | "tree", body: Uint8Array, signal?: AbortSignal): Promise<string> {
    const output = await this.local(["hash-object", "-t", type, "-w", "--stdin"], {
      input: body,
      signal,
    });
    return output.toString("latin1").trim();
  }

  close(): Promise<void> {
    return this.#processes.close();
  }
}

/** The only transport a command may use, whatever a user's rewrites make of the address. */
function protocolOf(address: Address): string {
  if (address.kind === "path") return "file";
  return address.kind === "ssh" ? "ssh" : new URL(address.url).protocol.slice(0, -1);
}

/** For commands that must not reach a remote: no transport is allowed to them. */
const offline = { GIT_ALLOW_PROTOCOL: "none" };

/** A repository by path is served by git itself, with what its owner did not switch on. */
const uploadPack: readonly ConfigEntry[] = [
  [
    "remote.lakeferry.uploadpack",
    "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack",
  ],
];
