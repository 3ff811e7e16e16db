/** `npm run check`: everything that can be said of the code without running it. All of it is run, even when a part fails. */
import { root, runNode, toolOf } from "./run-tool.ts";

const checks: Readonly<Record<string, readonly string[]>> = {
  "types (tsc)": [toolOf("typescript", "tsc"), "-p", "tsconfig.json"],
  "types of the five families' sketch (tsc)": [
    toolOf("typescript", "tsc"),
    "-p",
    "core/sketches/tsconfig.json",
  ],
  "format and lint (biome)": [toolOf("@biomejs/biome", "biome"), "ci", "--error-on-warnings", "."],
  "import law (dependency-cruiser)": [
    toolOf("dependency-cruiser", "depcruise"),
    "--config",
    ".dependency-cruiser.mjs",
    "core/src",
    "test",
    "scripts",
  ],
  "generated files (generate --check)": ["scripts/generate.ts", "--check"],
  "unused files, exports and dependencies (knip)": [toolOf("knip"), "--no-progress"],
};

const failed: string[] = [];
for (const [name, args] of Object.entries(checks)) {
  const { code, output, seconds } = await runNode(args, { cwd: root });
  console.log(`${code === 0 ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
  if (code === 0) continue;
  failed.push(name);
  console.log(output.trimEnd().replace(/^/gm, "    "));
}
console.log(
  failed.length === 0 ? "\nAll checks passed." : `\n${failed.length} failed: ${failed.join("; ")}.`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
