/** A setting of git, given to a child through its environment: it outranks every configuration file. */
export type ConfigEntry = readonly [key: string, value: string];
export type Environment = Readonly<Record<string, string | undefined>>;

/** What of `GIT_*` is the user's word on how to reach a server; everything else could redirect or slow a command. */
const kept = new Set([
  "GIT_ASKPASS",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_CONFIG_SYSTEM",
  "GIT_EXEC_PATH",
  "GIT_PROXY_SSL_CAINFO",
  "GIT_PROXY_SSL_CERT",
  "GIT_PROXY_SSL_KEY",
  "GIT_SSH",
  "GIT_SSH_COMMAND",
  "GIT_SSH_VARIANT",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "GIT_SSL_CERT",
  "GIT_SSL_KEY",
]);

/** Tokens of other services are no business of git, nor of the hooks and helpers that it starts. */
const secret = /(?:TOKEN|SECRET|PASSWORD)$/i;

/** But for those that credential helpers of the user's read. */
const helpers = new Set(["GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN"]);

/** Settings the user already hands to git in this way. */
function givenEntries(env: Environment): ConfigEntry[] {
  const count = Number(env.GIT_CONFIG_COUNT ?? 0);
  const entries: ConfigEntry[] = [];
  for (let i = 0; i < count; i++) {
    const key = env[`GIT_CONFIG_KEY_${i}`];
    if (key !== undefined) entries.push([key, env[`GIT_CONFIG_VALUE_${i}`] ?? ""]);
  }
  return entries;
}

/**
 * The environment of a git child: the user's own, without what would point git at another repository, hand it tokens
 * of other services, print secrets (traces), turn TLS verification off or ask a question on a terminal, and with `config` on top.
 */
export function childEnvironment(
  env: Environment,
  config: readonly ConfigEntry[],
  more: Environment = {},
): NodeJS.ProcessEnv {
  const child: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    const upper = name.toUpperCase();
    const ours = !upper.startsWith("GIT_") && (!secret.test(name) || helpers.has(upper));
    if (ours || kept.has(upper)) child[name] = value;
  }
  Object.assign(child, {
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    // An empty answer instead of a window; a credential helper of the user's is still asked first.
    GIT_ASKPASS: env.GIT_ASKPASS ?? "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_LITERAL_PATHSPECS: "1",
    ...more,
  });
  const entries = [...givenEntries(env), ...config];
  child.GIT_CONFIG_COUNT = String(entries.length);
  for (const [i, [key, value]] of entries.entries()) {
    child[`GIT_CONFIG_KEY_${i}`] = key;
    child[`GIT_CONFIG_VALUE_${i}`] = value;
  }
  return child;
}

/**
 * Settings that make a command mean the same on every machine, and tune a repository that is thrown away. The user's
 * proxy, credential helper, CA and ssh settings stay in force.
 */
export function settledConfig(gitDir: string): ConfigEntry[] {
  return [
    ["core.hooksPath", `${gitDir}/no-hooks`],
    ["core.fsmonitor", "false"],
    ["core.autocrlf", "false"],
    ["core.precomposeUnicode", "false"],
    ["core.logAllRefUpdates", "false"],
    ["core.compression", "1"],
    ["core.looseCompression", "1"],
    ["core.fsync", "none"],
    ["core.fsyncObjectFiles", "false"],
    ["safe.bareRepository", "all"],
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    ["push.gpgSign", "false"],
    ["push.followTags", "false"],
    ["push.negotiate", "false"],
    ["push.pushOption", ""],
    ["push.recurseSubmodules", "no"],
    ["push.useForceIfIncludes", "false"],
    ["fetch.fsckObjects", "false"],
    ["transfer.fsckObjects", "false"],
    ["transfer.credentialsInUrl", "die"],
    ["fetch.negotiationAlgorithm", "noop"],
    ["fetch.prune", "false"],
    ["fetch.recurseSubmodules", "false"],
    ["fetch.unpackLimit", "1"],
    ["fetch.writeCommitGraph", "false"],
    ["fastimport.unpackLimit", "1"],
    ["protocol.version", "2"],
    ["pack.compression", "1"],
    ["pack.writeReverseIndex", "false"],
    // The sparse walk would not notice that a moved file's blob is at the remote already, and miss it here.
    ["pack.useSparse", "false"],
  ];
}
