import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type {
  FaultRule,
  GenerateOptions,
  MutateOptions,
  Mutation,
  Settings,
  StatsReport,
} from "@lakeferry/sandbox";

const main = fileURLToPath(new URL("../sandbox/src/main.ts", import.meta.url));

/** A sandbox in a process of its own, by its control API. */
export class SandboxProcess {
  readonly url: string;
  readonly token: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly #child: ChildProcess;

  private constructor(
    child: ChildProcess,
    told: { url: string; token: string; clientId: string; clientSecret: string },
  ) {
    this.#child = child;
    this.url = told.url;
    this.token = told.token;
    this.clientId = told.clientId;
    this.clientSecret = told.clientSecret;
  }

  /** Starts one with the flags of its command line; resolves when it listens. */
  static async start(flags: readonly string[]): Promise<SandboxProcess> {
    const child = spawn(process.execPath, [main, ...flags, "--json"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.includes("\n")) resolve(text);
      });
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`The sandbox ended with exit code ${code}.`)));
    });
    return new SandboxProcess(child, JSON.parse(line));
  }

  /** What a client finds in its environment: a personal access token. */
  get env(): Record<string, string> {
    return { DATABRICKS_HOST: this.url, DATABRICKS_TOKEN: this.token };
  }

  /** The same, for a service principal. */
  get oauthEnv(): Record<string, string> {
    return {
      DATABRICKS_HOST: this.url,
      DATABRICKS_CLIENT_ID: this.clientId,
      DATABRICKS_CLIENT_SECRET: this.clientSecret,
    };
  }

  stats(): Promise<StatsReport> {
    return this.#control("GET", "stats");
  }

  async resetStats(): Promise<void> {
    await this.#control("POST", "stats/reset", {});
  }

  async settings(settings: Partial<Settings>): Promise<void> {
    await this.#control("POST", "settings", settings);
  }

  /** Replaces all rules and their counts. */
  async faults(...rules: readonly FaultRule[]): Promise<void> {
    await this.#control("POST", "faults", { rules });
  }

  /** How often the rules were hit, all together. */
  async faultHits(): Promise<number> {
    const { faultHits } = await this.stats();
    return Object.values(faultHits).reduce((sum, hits) => sum + hits, 0);
  }

  generate(options: GenerateOptions): Promise<{ objects: number }> {
    return this.#control("POST", "generate", options);
  }

  mutate(options: MutateOptions): Promise<Mutation> {
    return this.#control("POST", "mutate", options);
  }

  /** Writes an object, as a user in the workspace does. */
  async touch(object: { path: string; content: string; language?: string }): Promise<void> {
    await this.#control("POST", "touch", object);
  }

  async tree(path: string): Promise<readonly { path: string; object_type: string; sha256?: string }[]> {
    const query = new URLSearchParams({ path });
    return (await this.#control<{ objects: [] }>("GET", `tree?${query}`)).objects;
  }

  /** Deletes an object, as a user in the workspace does. */
  async remove(path: string): Promise<void> {
    const response = await fetch(`${this.url}/api/2.0/workspace/delete`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ path }),
    });
    if (!response.ok) throw new Error(`delete of ${path}: ${response.status} ${await response.text()}`);
  }

  async expireTokens(): Promise<void> {
    await this.#control("POST", "tokens/expire", {});
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }

  async #control<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/_sandbox/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_sandbox/${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
