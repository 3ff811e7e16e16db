import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Config } from "../config/config.ts";
import type { Check } from "../job/connections.ts";
import { asLakeferryError } from "../job/errors.ts";
import { connectorContext } from "./connector-context.ts";
import { definitions } from "./definitions.ts";
import type { Host } from "./host.ts";
import { type AnyOpened, ConnectionOpener } from "./open-connections.ts";
import { openState } from "./open-state.ts";
import { redacted, withoutCredentials } from "./redact.ts";

/** A check, and what it is about: `this machine`, `state`, or a connection. */
export interface DoctorCheck extends Check {
  readonly about: string;
}

const DISK_NEEDED = 2_000_000_000;
const NODE_NEEDED = [22, 12] as const;

/** Looks at everything a run needs, one after the other. Writes nothing but a probe document at the state location. Never throws. */
export async function* doctor(
  config: Config | undefined,
  host: Host,
  options: { readonly state?: string; readonly addresses?: Readonly<Record<string, string>> } = {},
): AsyncIterable<DoctorCheck> {
  yield { about: "this machine", ...nodeCheck() };
  yield { about: "this machine", ...(await diskCheck()) };
  yield { about: "state", ...(await stateCheck(options.state ?? config?.state, host)) };
  const secrets = new Set<string>();
  const { context, close } = await connectorContext(host);
  const opener = new ConnectionOpener(config, context, secrets);
  try {
    for (const name of config?.connections.keys() ?? [])
      for await (const check of connectionChecks(`connection ${name}`, () => opener.named(name)))
        yield redacted(check, secrets);
    for (const connector of definitions.connectors) {
      const address = options.addresses?.[connector.type];
      if (address)
        for await (const check of connectionChecks(`${connector.type} ${withoutCredentials(address)}`, () =>
          opener.at(connector, address),
        ))
          yield redacted(check, secrets);
    }
  } finally {
    await opener.close();
    await close();
  }
}

async function* connectionChecks(about: string, open: () => Promise<AnyOpened>): AsyncIterable<DoctorCheck> {
  try {
    for await (const check of (await open()).check()) yield { about, ...check };
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    yield {
      about,
      name: "settings",
      result: "failed",
      detail: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
    };
  }
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fine = major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1]);
  if (fine) return { name: "Node.js", result: "ok", detail: process.versions.node };
  return {
    name: "Node.js",
    result: "failed",
    detail: `${process.versions.node} is too old`,
    hint: `Install Node.js ${NODE_NEEDED.join(".")} or newer.`,
  };
}

async function diskCheck(): Promise<Check> {
  const disk = await statfs(tmpdir());
  const free = disk.bavail * disk.bsize;
  const detail = `${(free / 1e9).toFixed(1)} GB free in ${tmpdir()}`;
  if (free >= DISK_NEEDED) return { name: "disk", result: "ok", detail };
  return {
    name: "disk",
    result: "warning",
    detail,
    hint: "A full backup of 70,000 notebooks takes about 1 GB there for the time of the run. Free some, or set TMPDIR.",
  };
}

async function stateCheck(location: string | undefined, host: Host): Promise<Check> {
  try {
    const store = openState(location, host.cwd);
    await store.write("probe", Buffer.from("probe"));
    await store.delete("probe");
    return { name: "state location", result: "ok", detail: `${store.location} can be written` };
  } catch (thrown) {
    const error = asLakeferryError(thrown);
    return {
      name: "state location",
      result: "failed",
      detail: error.message,
      hint: error.hint ?? "Name another one with --state, or in lakeferry.yml.",
    };
  }
}
