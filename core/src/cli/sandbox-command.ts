import { Command } from "commander";
import type { CliHost } from "./cli-host.ts";

/** `lakeferry sandbox`: a workspace on loopback, to try every job with no account. Loaded only when it is asked for. */
export function addSandbox(root: Command, host: CliHost): void {
  root
    .command("sandbox")
    .description("Serve a Databricks workspace on this machine, to try every job with no account")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument("[options...]")
    .action(async (_options: string[], _flags: unknown, command: Command) => {
      const { sandboxCommand } = await import("@lakeferry/sandbox");
      const own = new Command("lakeferry").addCommand(sandboxCommand(() => host.signal));
      await own.parseAsync(["sandbox", ...command.args], { from: "user" });
    });
}
