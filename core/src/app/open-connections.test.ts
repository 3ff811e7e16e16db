import { expect, test } from "vitest";
import { readConfig } from "../config/config.ts";
import { databricks } from "../connectors/databricks/connector.ts";
import type { ConnectorContext } from "../job/connections.ts";
import { LakeferryError } from "../job/errors.ts";
import { definitions } from "./definitions.ts";
import { ConnectionOpener } from "./open-connections.ts";

const opener = (config?: string) =>
  new ConnectionOpener(
    config === undefined ? undefined : readConfig(config, "lakeferry.yml", definitions),
    { env: {} } as ConnectorContext,
    new Set(),
  );

test("a secret that is refused is not told, and another setting is", async () => {
  const settings = "type: databricks, host: http://127.0.0.1:1";
  const error = async (more: string) =>
    opener(`connections: {w: {${settings}, ${more}}}`)
      .named("w")
      .then(
        () => undefined,
        (thrown) => thrown,
      );
  const secret = await error("token: 1234567890");
  expect(secret).toBeInstanceOf(LakeferryError);
  expect(secret.message).toMatch(/token "\*\*\*": /);
  expect(secret.message).not.toContain("1234567890");
  expect((await error("connections: 1000")).message).toContain("1000");
});

test("an address that is refused is told without what it holds of credentials", () => {
  const open = () =>
    opener().at({ ...databricks, fromAddress: () => undefined }, "ftp://me:pa@ss@host/x?sig=1");
  expect(open).toThrow('"ftp://***@host/x?***" is neither');
});
