import picomatch from "picomatch";
import { LakeferryError } from "../../job/errors.ts";

/** Which paths of a workspace take part. */
export interface Selection {
  /** Whether the object at this absolute path is selected. Nothing outside the root is. */
  (path: string): boolean;
  /** False when no path in this folder can be selected, so that a scan need not list it. May say true in doubt. */
  mayContain(folder: string): boolean;
}

/**
 * Names are data and taken literally, whatever is in them: dots at the start, backslashes, line ends. Brackets must
 * balance, so that a forgotten one is an error and not a pattern that matches nothing.
 */
const OPTIONS: picomatch.PicomatchOptions = {
  dot: true,
  windows: false,
  nonegate: true,
  strictBrackets: true,
  flags: "s",
};

interface Glob {
  readonly pattern: string;
  /** Of the path as the pattern says it: from the workspace's root, or from the selection's. */
  readonly absolute: boolean;
  /** What the pattern matches, and everything below it. */
  readonly selects: (path: string) => boolean;
  /** One test per leading part of the pattern, as far as they are single parts. */
  readonly parts: readonly ((part: string) => boolean)[];
  /** The pattern has no more parts than `parts`. */
  readonly complete: boolean;
}

/**
 * The selection of the paths below `root` (absolute) that match one of `include`, or any when it is empty, and none
 * of `exclude`. A glob that begins with `/` is one of whole workspace paths, any other is relative to the root; one
 * that matches a folder selects all in it. `*` stays within a folder, `**` does not; case counts.
 * @throws LakeferryError `invalid-input` for a pattern that cannot be read, or an include outside the root
 */
export function selection(include: readonly string[], exclude: readonly string[], root: string): Selection {
  const base = root.replace(/\/+$/, "");
  const includes = include.map((pattern) => parseGlob(pattern, "include"));
  const excludes = exclude.map((pattern) => parseGlob(pattern, "exclude"));

  const inside = (path: string): boolean => path === base || path.startsWith(`${base}/`);
  /** The path as this glob sees it, without a leading slash; "" is the folder it starts from. */
  const seen = (glob: Glob, path: string): string => path.slice(glob.absolute ? 1 : base.length + 1);
  const selects = (glob: Glob, path: string): boolean => glob.selects(seen(glob, path));
  const reaches = (glob: Glob, folder: string): boolean =>
    selects(glob, folder) || mayLeadTo(glob, seen(glob, folder));

  for (const glob of includes) {
    if (!reaches(glob, base)) throw badGlob(glob.pattern, "include", `it is outside of ${root}`);
  }
  const includesPath = (path: string): boolean =>
    includes.length === 0 || includes.some((glob) => selects(glob, path));
  const excludesPath = (path: string): boolean => excludes.some((glob) => selects(glob, path));

  return Object.assign((path: string) => inside(path) && includesPath(path) && !excludesPath(path), {
    mayContain: (folder: string): boolean => {
      const path = folder.replace(/\/+$/, "");
      if (!inside(path) || excludesPath(path)) return false;
      return includes.length === 0 || includes.some((glob) => reaches(glob, path));
    },
  });
}

function parseGlob(pattern: string, list: "include" | "exclude"): Glob {
  const absolute = pattern.startsWith("/");
  const glob = pattern.replace(/^\/|\/+$/g, "");
  if (glob === "") throw badGlob(pattern, list, "it is empty");
  if (/^!(?!\()/.test(glob)) throw badGlob(pattern, list, `"!" does not negate; use the other list`);
  if (glob.split("/").some((part) => part === "." || part === ".." || part === "")) {
    throw badGlob(pattern, list, `it has an empty, "." or ".." part`);
  }
  try {
    const matches = picomatch(glob, OPTIONS);
    const all = glob.split("/");
    const special = all.findIndex((part) => !standsAlone(part));
    const simple = special < 0 ? all : all.slice(0, special);
    return {
      pattern,
      absolute,
      selects: (path) => {
        // picomatch takes no empty path; only `**` matches the folder that a glob starts from.
        if (path === "") return glob === "**";
        for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
          if (matches(path.slice(0, end))) return true;
        }
        return matches(path);
      },
      parts: simple.map((part) => picomatch(part, OPTIONS)),
      complete: special < 0,
    };
  } catch (cause) {
    throw badGlob(pattern, list, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Whether this part of a pattern matches one part of a path, whatever stands beside it. */
function standsAlone(part: string): boolean {
  const plain = part.replace(/\\./g, "");
  if (/\*\*|[()\\]/.test(plain)) return false;
  return plain.split("{").length === plain.split("}").length; // else a brace goes on behind the slash
}

/** Whether a path below this folder can match, by the parts that pattern and folder both have. */
function mayLeadTo(glob: Glob, folder: string): boolean {
  const parts = folder === "" ? [] : folder.split("/");
  if (glob.complete && parts.length >= glob.parts.length) return false;
  return glob.parts.slice(0, parts.length).every((matches, index) => matches(parts[index]!));
}

function badGlob(pattern: string, list: string, reason: string, cause?: unknown): LakeferryError {
  return new LakeferryError(`The pattern "${pattern}" of \`${list}\` cannot be used: ${reason}.`, {
    code: "invalid-input",
    hint: "A glob such as `Clients/2024/**`, relative to the root, or a workspace path; `\\` before a bracket or a star takes it literally.",
    cause,
  });
}
