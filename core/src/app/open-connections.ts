import { z } from "zod";
import type { Config, ConfiguredConnection } from "../config/config.ts";
import { describeIssue } from "../config/yaml-source.ts";
import type { Connector, ConnectorContext, Opened } from "../job/connections.ts";
import type { AnyJob } from "../job/define-job.ts";
import { LakeferryError } from "../job/errors.ts";
import { kebab } from "../job/names.ts";
import { Secret } from "../job/secret.ts";
import { definitions } from "./definitions.ts";
import { shownValue, withoutCredentials } from "./redact.ts";
import { isSecretReference, type SecretReader, substitute } from "./substitute.ts";

export type AnyOpened = Opened<never>;

/** Opens connections by name, by address, or from the environment; closes what it opened. */
export class ConnectionOpener {
  readonly #config: Config | undefined;
  readonly #context: ConnectorContext;
  readonly #open = new Map<string, Promise<AnyOpened>>();
  readonly #secrets: Set<string>;

  /** @param secrets takes every secret that is read, so that a last guard can keep it out of what is told */
  constructor(config: Config | undefined, context: ConnectorContext, secrets: Set<string>) {
    this.#config = config;
    this.#context = context;
    this.#secrets = secrets;
  }

  /** The connections of a job, by role. Roles without a value take the only connection of their type, or the environment. */
  async forJob(job: AnyJob, values: Readonly<Record<string, unknown>>): Promise<Record<string, AnyOpened>> {
    const opened: Record<string, AnyOpened> = {};
    for (const [role, type] of Object.entries(job.needs as Record<string, string>)) {
      opened[role] = await this.#forRole(role, connectorOf(type), values[role]);
    }
    return opened;
  }

  /** A connection of `lakeferry.yml`. */
  named(name: string): Promise<AnyOpened> {
    const configured = this.#config?.connections.get(name);
    if (!configured)
      throw new LakeferryError(`There is no connection "${name}".`, {
        code: "invalid-input",
        hint: "Name one of the connections of lakeferry.yml, or give an address.",
      });
    return this.#once(`name:${name}`, () => this.#openConfigured(configured));
  }

  /** A connection by its address, such as a URL, its credentials from the environment. */
  at(connector: Connector, address: string): Promise<AnyOpened> {
    const settings = connector.fromAddress(address);
    if (!settings)
      throw new LakeferryError(
        `"${withoutCredentials(address)}" is neither the name of a connection nor an address of a ${connector.type} connection.`,
        { code: "invalid-input", hint: connector.summary },
      );
    return this.#once(`${connector.type}:${address}`, () =>
      this.#openWith(connector, settings, withoutCredentials(address)),
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(async (opened) => (await opened).close()));
  }

  async #forRole(role: string, connector: Connector, value: unknown): Promise<AnyOpened> {
    const word = typeof value === "string" && value !== "" ? value : undefined;
    if (word && this.#config?.connections.has(word)) return this.named(word);
    if (word) return this.at(connector, word);
    const fitting = [...(this.#config?.connections.values() ?? [])].filter((c) => c.type === connector.type);
    if (fitting.length === 1) return this.named(fitting[0]!.name);
    if (fitting.length > 1)
      throw new LakeferryError(
        `--${kebab(role)} is missing, and there are several ${connector.type} connections: ${fitting.map((c) => c.name).join(", ")}.`,
        { code: "invalid-input", hint: `Name one with --${kebab(role)}.` },
      );
    return this.#once(`environment:${connector.type}`, () =>
      this.#openWith(connector, {}, `--${kebab(role)}`),
    );
  }

  #once(key: string, open: () => Promise<AnyOpened>): Promise<AnyOpened> {
    const found = this.#open.get(key) ?? open();
    this.#open.set(key, found);
    return found;
  }

  async #openConfigured({ name, type, settings }: ConfiguredConnection): Promise<AnyOpened> {
    const source = this.#config!.source;
    const full: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(settings)) {
      const path = ["connections", name, kebab(key)];
      full[key] = await substitute(value, this.#context.env, this.#secretReader(), (problem, hint) =>
        source.error(path, problem, hint),
      );
    }
    return this.#openWith(connectorOf(type), full, `connection "${name}"`);
  }

  async #openWith(
    connector: Connector,
    given: Readonly<Record<string, unknown>>,
    label: string,
  ): Promise<AnyOpened> {
    const settings: Record<string, unknown> = { ...this.#fromEnvironment(connector), ...given };
    const checked = z.object(connector.settings as z.ZodRawShape).safeParse(settings);
    if (!checked.success) {
      const issue = checked.error.issues[0]!;
      const key = String(issue.path[0]);
      const names = connector.environment[key] ?? [];
      throw new LakeferryError(
        `${label}: ${kebab(key)} ${describeIssue(issue, shownValue(connector.settings[key], settings[key]))}.`,
        {
          code: "invalid-input",
          hint:
            names.length > 0
              ? `Set it in lakeferry.yml, or by the environment variable ${names.join(" or ")}.`
              : undefined,
        },
      );
    }
    for (const value of Object.values(checked.data))
      if (value instanceof Secret) this.#secrets.add(value.reveal());
    return connector.open(checked.data, this.#context) as Promise<AnyOpened>;
  }

  #fromEnvironment(connector: Connector): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [setting, names] of Object.entries(connector.environment)) {
      const value = names
        .map((name) => this.#context.env[name])
        .find((one) => one !== undefined && one !== "");
      if (value !== undefined) found[setting] = value;
    }
    return found;
  }

  /** Secrets are read through the first Databricks connection that needs none itself. */
  #secretReader(): SecretReader | undefined {
    const keeper = [...(this.#config?.connections.values() ?? [])].find(
      (c) => c.type === "databricks" && !Object.values(c.settings).some(isSecretReference),
    );
    if (!keeper) return undefined;
    return async (scope, key) => {
      const opened = await this.named(keeper.name);
      const value = await opened.secret!(scope, key);
      this.#secrets.add(value);
      return value;
    };
  }
}

function connectorOf(type: string): Connector {
  const found = definitions.connectors.find((connector) => connector.type === type);
  if (!found) throw new LakeferryError(`There is no ${type} connector.`, { code: "internal" });
  return found;
}
