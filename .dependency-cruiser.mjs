/**
 * Who may import whom. The law is the table of core/README.md ("Who may import whom"); each rule here says which line
 * of it is broken. `npm run check` applies it; test/law/import-law.test.ts proves that every rule catches a violation.
 * Tests may import what they test.
 */
const TEST = "\\.test(-d)?\\.ts$";
const HOSTS = "^(core/src/(cli|server|mcp)|actions|pipelines|extension)/";

/** All code of ours. */
const OURS = "^(core/src|actions|pipelines|extension|test|scripts)/(?!node_modules/|.*/node_modules/)";

const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

export default {
  forbidden: [
    rule(
      "job-imports-zod-alone",
      "job/ imports zod, and nothing of ours: it says what a job is, without I/O.",
      { path: "^core/src/job/", pathNot: TEST },
      { pathNot: ["^core/src/job/", "(^|/)node_modules/zod/"] },
    ),
    rule(
      "runtime-imports-job",
      "runtime/ imports job/; it knows no vendor and no family.",
      { path: "^core/src/runtime/", pathNot: TEST },
      { path: OURS, pathNot: "^core/src/(job|runtime)/" },
    ),
    rule(
      "connector-imports-job",
      "A connector imports job/ and its SDK; never another connector, a family or a host. It is given its pacer.",
      { path: "^core/src/connectors/([^/]+)/", pathNot: TEST },
      { path: OURS, pathNot: ["^core/src/job/", "^core/src/connectors/$1/"] },
    ),
    rule(
      "family-imports-job",
      "A family imports job/ and types of connectors; never another family or a host. It is given open connections.",
      { path: "^core/src/families/([^/]+)/", pathNot: TEST },
      { path: OURS, pathNot: ["^core/src/job/", "^core/src/connectors/", "^core/src/families/$1/"] },
    ),
    rule(
      "family-imports-connector-types",
      "A family imports the types of connectors alone: import type { … }.",
      { path: "^core/src/families/", pathNot: TEST },
      { path: "^core/src/connectors/", dependencyTypesNot: ["type-only"] },
    ),
    rule(
      "config-imports-job",
      "config/ imports job/; definitions are handed in by app/.",
      { path: "^core/src/config/", pathNot: TEST },
      { path: OURS, pathNot: "^core/src/(job|config)/" },
    ),
    rule(
      "render-imports-job",
      "render/ imports job/; definitions are handed in by app/.",
      { path: "^core/src/render/", pathNot: TEST },
      { path: OURS, pathNot: "^core/src/(job|render)/" },
    ),
    rule(
      "app-imports-no-host",
      "app/ imports everything in core but hosts.",
      { path: "^core/src/app/", pathNot: TEST },
      { path: [HOSTS, "^(test|scripts)/", "^core/src/index\\.ts$"] },
    ),
    rule(
      "host-imports-public-surface",
      "A host imports core's public surface, core/src/index.ts, and itself.",
      { path: "^(core/src/(?:cli|server|mcp)|actions|pipelines|extension)/", pathNot: TEST },
      { path: "^core/src/", pathNot: ["^core/src/index\\.ts$", "^$1/"] },
    ),
    rule(
      "host-imports-no-other-host",
      "A host imports no other host.",
      { path: "^(core/src/(?:cli|server|mcp)|actions|pipelines|extension)/", pathNot: TEST },
      { path: HOSTS, pathNot: "^$1/" },
    ),
    rule(
      "sandbox-imports-nothing-of-core",
      "test/sandbox shares no code with what it tests.",
      { path: "^test/sandbox/" },
      { path: OURS, pathNot: "^test/sandbox/" },
    ),
    rule(
      "core-loads-sandbox-lazily",
      "core has one edge to the sandbox: a dynamic import in cli/sandbox-command.ts.",
      { path: "^core/src/", pathNot: [TEST, "^core/src/cli/sandbox-command\\.ts$"] },
      { path: "^test/" },
    ),
    rule(
      "sandbox-command-loads-sandbox-lazily",
      "cli/sandbox-command.ts loads the sandbox when it is asked for: import(…).",
      { path: "^core/src/cli/sandbox-command\\.ts$" },
      { path: "^test/", dependencyTypesNot: ["dynamic-import"] },
    ),
    rule(
      "vscode-in-the-extension",
      "Only the extension knows the editor.",
      { pathNot: "^extension/" },
      { path: "^vscode$" },
    ),
    rule("resolves", "An import leads somewhere.", {}, { couldNotResolve: true, pathNot: "^vscode$" }),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: "specify",
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
