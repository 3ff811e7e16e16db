#!/usr/bin/env node
import { asLakeferryError } from "../index.ts";
import { cliHost } from "./cli-host.ts";
import { program } from "./program.ts";

const host = cliHost();
try {
  await program(host).parseAsync(process.argv);
} catch (thrown) {
  const error = asLakeferryError(thrown);
  process.stderr.write(`${error.message}\n${error.hint ? `${error.hint}\n` : ""}`);
  if (error.code === "internal" && process.env.LAKEFERRY_DEBUG)
    process.stderr.write(`${(error.cause as Error)?.stack ?? error.stack}\n`);
  process.exitCode = error.code === "invalid-input" ? 2 : error.code === "cancelled" ? 130 : 1;
}
