import { sandboxCommand } from "./run-sandbox.ts";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

await sandboxCommand(() => stop.signal).parseAsync();
