import type { Connector } from "../../job/connections.ts";
import { environment, settings } from "./settings.ts";

/** The Databricks connector. Its parts that need HTTP or the SDK are loaded when a connection is opened. */
export const databricks: Connector<"databricks"> = {
  type: "databricks",
  summary: "A Databricks workspace.",
  settings,
  environment,
  fromAddress(address) {
    return /^https?:\/\//i.test(address) ? { host: address } : undefined;
  },
  async open(given, context) {
    const { openDatabricks } = await import("./open.ts");
    return openDatabricks(given, context);
  },
};
