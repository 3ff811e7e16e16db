import { Command } from "commander";
import { definitions } from "../index.ts";
import type { CliHost } from "./cli-host.ts";
import { addDoctor } from "./doctor-command.ts";
import { addJob, addRun } from "./job-command.ts";
import { addSandbox } from "./sandbox-command.ts";
import { addStatus } from "./status-command.ts";
import { version } from "./version.ts";

/** The command line: `lakeferry <family> <verb>` for every job, and a few commands about them all. */
export function program(host: CliHost): Command {
  const root = new Command("lakeferry")
    .description(
      "Moves notebooks, files, datasets, log records and sensor readings between your systems and the lakehouse.",
    )
    .version(version(), "-v, --version")
    .showHelpAfterError("(add --help for the options)")
    .showSuggestionAfterError()
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  for (const family of definitions.families) {
    const command = root.command(family.id).description(family.summary);
    for (const job of family.jobs) addJob(command, family.id, job, host);
  }
  addRun(root, host);
  addStatus(root, host);
  addDoctor(root, host);
  addSandbox(root, host);
  root.addHelpText(
    "after",
    "\nExit codes: 0 succeeded · 1 failed · 2 invalid input · 3 partial (some items failed) · 130 cancelled\n\nTry it with no account: lakeferry sandbox --help",
  );
  return root;
}
