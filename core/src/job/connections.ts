import type { InputShape } from "./inputs.ts";
import type { Pacer } from "./pacer.ts";

/**
 * What each connector opens, by its type. A connector adds itself by declaration merging:
 * `interface Connections { git: Port<GitReader, GitWriter> }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging, so that job/ imports no connector
export interface Connections {}

/** The two views of a connection: `read` has no writing method, so a plan or a dry run cannot write. */
export interface Port<R, W extends R> {
  readonly read: R;
  readonly write: W;
}

export type ConnectionType = keyof Connections & string;

/** The connections a job needs, by the role they play in it: `{ source: "databricks", destination: "git" }`. */
export type Needs = Readonly<Record<string, ConnectionType>>;

export type Readers<N extends Needs> = {
  readonly [K in keyof N]: Connections[N[K]] extends Port<infer R, infer _W> ? R : never;
};
export type Writers<N extends Needs> = {
  readonly [K in keyof N]: Connections[N[K]] extends Port<infer _R, infer W> ? W : never;
};

/** One thing `lakeferry doctor` looked at. */
export interface Check {
  readonly name: string;
  readonly result: "ok" | "warning" | "failed";
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What a connector is given: pacing, time, chance and a place for temporary files come from outside. */
export interface ConnectorContext {
  readonly pacer: Pacer;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly random: () => number;
  /** The environment, for what a vendor's own tools read from it (proxies, profiles). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A new empty folder, removed when the run ends. */
  temporaryFolder(name: string): Promise<string>;
  warn(text: string): void;
}

/** An open connection. */
export interface Opened<T extends ConnectionType> {
  readonly read: Connections[T] extends Port<infer R, infer _W> ? R : never;
  readonly write: Connections[T] extends Port<infer _R, infer W> ? W : never;
  /** What it is connected to, without credentials; the same for the same target. */
  readonly identity: string;
  /** Credentials, permissions, reachability, clock: what `lakeferry doctor` prints. Never throws. */
  check(): AsyncIterable<Check>;
  /** Reads a secret reference `{{secrets/scope/key}}`, where this kind of connection keeps secrets. */
  secret?(scope: string, key: string): Promise<string>;
  close(): Promise<void>;
}

/** A kind of connection: its settings in `lakeferry.yml`, and how it is opened. */
export interface Connector<T extends ConnectionType = ConnectionType> {
  readonly type: T;
  readonly summary: string;
  readonly settings: InputShape;
  /** Settings for `--source <address>`: a URL or path given where a connection's name could stand. */
  fromAddress(address: string): Readonly<Record<string, string>> | undefined;
  /** Environment variables that fill settings that are not given: `{ token: ["DATABRICKS_TOKEN"] }`. */
  readonly environment: Readonly<Record<string, readonly string[]>>;
  open(settings: Readonly<Record<string, unknown>>, context: ConnectorContext): Promise<Opened<T>>;
}
