import { Cron } from "croner";
import type { Connector } from "../job/connections.ts";
import type { AnyJob, Family } from "../job/define-job.ts";
import { parseDuration } from "../job/inputs.ts";
import { camel, kebab } from "../job/names.ts";
import { nearest, YamlSource } from "./yaml-source.ts";

/** What the loader checks a file against; `app/` hands it in. */
export interface Definitions {
  readonly families: readonly Family[];
  readonly connectors: readonly Connector[];
}

export interface ConfiguredConnection {
  readonly name: string;
  readonly type: string;
  /** As written: `${ENV}` and `{{secrets/…}}` are read when the connection is opened. Keys in camelCase. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ConfiguredRun {
  readonly name: string;
  readonly job: string;
  /** As written, keys in camelCase. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly schedule?: string;
}

/** A checked `lakeferry.yml`. */
export interface Config {
  readonly source: YamlSource;
  /** `file:<folder>`. */
  readonly state: string;
  readonly retentionMs: number;
  readonly connections: ReadonlyMap<string, ConfiguredConnection>;
  readonly runs: ReadonlyMap<string, ConfiguredRun>;
  /** Each family's own section, checked by its schema. */
  readonly sections: Readonly<Record<string, unknown>>;
}

export const DEFAULT_STATE = "file:.lakeferry";
export const DEFAULT_RETENTION = "30d";

/**
 * Reads `lakeferry.yml`. Checks names, types and allowed words before anything is opened.
 * @throws LakeferryError `invalid-input` with file, line, column, the bad value and the allowed ones
 */
export function readConfig(text: string, file: string, definitions: Definitions): Config {
  const source = new YamlSource(text, file);
  const top = mapping(source, source.value, []);
  known(source, [], top, [
    "state",
    "retention",
    "connections",
    "runs",
    ...definitions.families.filter((f) => f.section).map((f) => f.id),
  ]);
  const connections = new Map(
    Object.entries(mapping(source, top.connections ?? {}, ["connections"])).map(([name, value]) => [
      name,
      readConnection(source, name, value, definitions),
    ]),
  );
  const runs = new Map(
    Object.entries(mapping(source, top.runs ?? {}, ["runs"])).map(([name, value]) => [
      name,
      readRun(source, name, value, definitions, connections),
    ]),
  );
  return {
    source,
    state: readState(source, top.state),
    retentionMs: readRetention(source, top.retention),
    connections,
    runs,
    sections: readSections(source, top, definitions),
  };
}

function readConnection(
  source: YamlSource,
  name: string,
  value: unknown,
  { connectors }: Definitions,
): ConfiguredConnection {
  const path = ["connections", name];
  const { type, ...settings } = mapping(source, value, path);
  const connector = connectors.find((c) => c.type === type);
  if (!connector)
    throw source.error(
      [...path, "type"],
      `${JSON.stringify(type) ?? "a type"} is not one of ${connectors.map((c) => c.type).join(", ")}`,
    );
  known(source, path, settings, Object.keys(connector.settings).map(kebab), ["type"]);
  return { name, type: connector.type, settings: camelKeys(settings) };
}

function readRun(
  source: YamlSource,
  name: string,
  value: unknown,
  { families }: Definitions,
  connections: ReadonlyMap<string, ConfiguredConnection>,
): ConfiguredRun {
  const path = ["runs", name];
  const run = mapping(source, value, path);
  known(source, path, run, ["job", "with", "schedule"]);
  const jobs = families.flatMap((family) => family.jobs);
  const job = jobs.find((j) => j.id === run.job);
  if (!job)
    throw source.error(
      [...path, "job"],
      `${JSON.stringify(run.job) ?? "a job"} is not one of ${jobs.map((j) => j.id).join(", ")}`,
    );
  const given = mapping(source, run.with ?? {}, [...path, "with"]);
  known(source, [...path, "with"], given, [...Object.keys(job.needs), ...Object.keys(job.inputs)].map(kebab));
  const values = camelKeys(given);
  checkRoles(source, [...path, "with"], job, values, connections);
  checkInputs(source, [...path, "with"], job, values);
  if (run.schedule === undefined) return { name, job: job.id, values };
  return { name, job: job.id, values, schedule: readSchedule(source, [...path, "schedule"], run.schedule) };
}

/** A role that names a connection names one of the right type; anything else is taken as an address later. */
function checkRoles(
  source: YamlSource,
  path: readonly string[],
  job: AnyJob,
  values: Readonly<Record<string, unknown>>,
  connections: ReadonlyMap<string, ConfiguredConnection>,
): void {
  for (const [role, type] of Object.entries(job.needs as Record<string, string>)) {
    const value = values[role];
    if (value === undefined) continue;
    if (typeof value !== "string")
      throw source.error([...path, kebab(role)], "is not the name of a connection");
    const named = connections.get(value);
    if (named && named.type !== type)
      throw source.error(
        [...path, kebab(role)],
        `"${value}" is a ${named.type} connection; ${job.id} needs a ${type} one here`,
      );
    if (!named && /^[\w-]+$/.test(value)) {
      const fitting = [...connections.values()].filter((c) => c.type === type).map((c) => c.name);
      throw source.error(
        [...path, kebab(role)],
        `"${value}" is not a connection${fitting.length > 0 ? `; there ${fitting.length === 1 ? "is" : "are"} ${fitting.join(", ")}` : ""}`,
      );
    }
  }
}

function checkInputs(
  source: YamlSource,
  path: readonly string[],
  job: AnyJob,
  values: Readonly<Record<string, unknown>>,
): void {
  for (const [name, schema] of Object.entries(job.inputs as Record<string, import("zod").ZodType>)) {
    if (values[name] === undefined) continue;
    const checked = schema.safeParse(values[name]);
    if (!checked.success) throw source.issue(checked.error.issues[0]!, [...path, kebab(name)]);
  }
}

function readSchedule(source: YamlSource, path: readonly string[], value: unknown): string {
  try {
    new Cron(String(value), { paused: true });
    return String(value);
  } catch {
    throw source.error(
      path,
      `${JSON.stringify(value)} is not a cron expression`,
      'Five fields, in UTC: minute hour day month weekday, such as "0 2 * * *".',
    );
  }
}

function readState(source: YamlSource, value: unknown): string {
  const state = value ?? DEFAULT_STATE;
  if (typeof state === "string" && state.startsWith("file:") && state.length > 5) return state;
  throw source.error(["state"], `${JSON.stringify(state)} is not a state location`, "Write file:<folder>.");
}

function readRetention(source: YamlSource, value: unknown): number {
  const ms = parseDuration(String(value ?? DEFAULT_RETENTION));
  if (ms === undefined)
    throw source.error(
      ["retention"],
      `${JSON.stringify(value)} is not a duration`,
      "Write for instance 30d.",
    );
  return ms;
}

function readSections(
  source: YamlSource,
  top: Readonly<Record<string, unknown>>,
  { families }: Definitions,
): Record<string, unknown> {
  const sections: Record<string, unknown> = {};
  for (const { id, section } of families) {
    if (!section || top[id] === undefined) continue;
    const checked = section.safeParse(top[id]);
    if (!checked.success) throw source.issue(checked.error.issues[0]!, [id]);
    sections[id] = checked.data;
  }
  return sections;
}

function mapping(source: YamlSource, value: unknown, path: readonly string[]): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw source.error(path, `${JSON.stringify(value)} is not a mapping of names to values`);
}

function known(
  source: YamlSource,
  path: readonly string[],
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
  more: readonly string[] = [],
): void {
  for (const key of Object.keys(given)) {
    if (names.includes(key) || more.includes(key)) continue;
    const close = nearest(key, names);
    throw source.error(
      [...path, key],
      `"${key}" is not known here; known: ${[...more, ...names].join(", ")}`,
      close && `Did you mean "${close}"?`,
      "key",
    );
  }
}

function camelKeys(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [camel(key), value]));
}
