import manifest from "../../../package.json" with { type: "json" };

/** How Databricks tells our requests from others in its audit log. */
export const USER_AGENT = `lakeferry/${manifest.version}`;
