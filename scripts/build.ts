/**
 * `npm run build`: the command line as one bundle in core/dist, which runs on plain Node ≥ 22.12 with nothing else
 * installed. What few commands need (the SDK, the sandbox) stands in chunks that are loaded when they are asked for.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { licences } from "./licences.ts";
import { root } from "./run-tool.ts";
import { tryBundle } from "./try-bundle.ts";

const outdir = join(root, "core", "dist");
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });

// What CommonJS packages expect to be there, and an ES module does not have.
const commonjs = [
  'import { createRequire as __createRequire } from "node:module";',
  'import { fileURLToPath as __fileURLToPath } from "node:url";',
  "const require = __createRequire(import.meta.url);",
  "const __filename = __fileURLToPath(import.meta.url);",
].join("");

/** zod brings its messages in some fifty languages, of which nothing is used but what it loads by itself: English. */
const englishOnly: Plugin = {
  name: "english-only",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    })),
};

const { metafile } = await build({
  entryPoints: { lakeferry: join(root, "core", "src", "cli", "main.ts") },
  absWorkingDir: root,
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.12",
  banner: { js: commonjs },
  chunkNames: "chunks/[name]-[hash]",
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [englishOnly],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
assertLazy("core/dist/lakeferry.js", /node_modules\/@databricks\/|^test\/sandbox\//);
await writeFile(join(outdir, "licenses.txt"), await licences(Object.keys(metafile.inputs)));

const sizes = await Promise.all(
  (await readdir(outdir, { recursive: true }))
    .filter((file) => file.endsWith(".js"))
    .map(async (file) => ({ file, bytes: (await readFile(join(outdir, file))).length })),
);
for (const { file, bytes } of sizes.sort((a, b) => b.bytes - a.bytes))
  console.log(`${(bytes / 1000).toFixed(0).padStart(6)} kB  ${file}`);

await tryBundle(outdir);

/** @throws when an output loads one of these sources at its start */
function assertLazy(output: string, sources: RegExp, seen = new Set<string>()): void {
  if (seen.has(output)) return;
  seen.add(output);
  const { inputs, imports } = metafile.outputs[output]!;
  const early = Object.keys(inputs).find((input) => sources.test(input));
  if (early) throw new Error(`${output} is loaded at the start, and has ${early} in it.`);
  for (const { path, kind, external } of imports)
    if (kind === "import-statement" && !external) assertLazy(path, sources, seen);
}
