import { type Command, Option } from "commander";
import { definitions, doctor, loadConfig } from "../index.ts";
import type { CliHost } from "./cli-host.ts";

const MARK = { ok: "✓", warning: "!", failed: "✗" } as const;

/** `lakeferry doctor`: what a run needs, each with what to do when it is not there. */
export function addDoctor(root: Command, host: CliHost): void {
  const command: Command = root
    .command("doctor")
    .description("Check credentials, permissions, reachability, clock, disk and git, each with what to do")
    .option("--config <file>", "the configuration (default: lakeferry.yml)")
    .option("--state <location>", "where run records are kept (default: as configured)")
    .option("--json", "print one JSON object a line")
    .option("--troubleshooting", "print known symptoms, their causes and cures");
  for (const connector of definitions.connectors)
    command.addOption(
      new Option(`--${connector.type} <address>`, `also check this ${connector.type} connection`),
    );
  command.action(
    async (options: Record<string, string | undefined> & { json?: boolean; troubleshooting?: boolean }) => {
      if (options.troubleshooting) return void process.stdout.write(troubleshooting());
      const config = await loadConfig(options.config, host.cwd);
      const addresses = Object.fromEntries(
        definitions.connectors.flatMap(({ type }) => (options[type] ? [[type, options[type]]] : [])),
      );
      let about = "";
      let failed = 0;
      for await (const check of doctor(
        config,
        { ...host, say: () => undefined },
        { addresses, ...(options.state ? { state: options.state } : {}) },
      )) {
        if (check.result === "failed") failed += 1;
        if (options.json) process.stdout.write(`${JSON.stringify(check)}\n`);
        else {
          if (check.about !== about) process.stdout.write(`${check.about}\n`);
          process.stdout.write(
            `  ${MARK[check.result]} ${check.name}: ${check.detail}\n${check.hint ? `    → ${check.hint}\n` : ""}`,
          );
        }
        about = check.about;
      }
      if (failed > 0) process.exitCode = 1;
      if (!options.json)
        process.stdout.write(
          failed > 0
            ? `\n${failed} failed. Known symptoms and cures: lakeferry doctor --troubleshooting\n`
            : "\nEverything a run needs is there.\n",
        );
    },
  );
}

function troubleshooting(): string {
  return definitions.families
    .map(
      (family) =>
        `${family.id}\n${family.troubleshooting.map(({ symptom, cause, cure }) => `\n  ${symptom}\n    because: ${cause}\n    → ${cure}\n`).join("")}`,
    )
    .join("\n");
}
