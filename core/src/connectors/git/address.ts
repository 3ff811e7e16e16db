import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LakeferryError } from "../../job/errors.ts";

/** Where a repository is. `url` is what git is given; it never carries a credential. */
export interface Address {
  readonly kind: "http" | "ssh" | "path";
  readonly url: string;
  /** The same for the same repository, however its address was written. */
  readonly identity: string;
  /** The user a URL names (`https://user@host/…`). */
  readonly username?: string;
}

function refused(reason: string, hint: string): LakeferryError {
  return new LakeferryError(reason, { code: "invalid-input", hint });
}

/** Whether a host can only be this machine. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

const withoutEnding = (url: string) => url.replace(/\/+$/, "").replace(/\.git$/, "");

function fromUrl(text: string): Address {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    // The text is not repeated: it may hold a password.
    throw new LakeferryError("The repository's address is not a URL that can be read.", {
      code: "invalid-input",
      cause: (cause as { code?: string }).code,
    });
  }
  if (url.password !== "")
    throw refused(
      `The address of the repository at ${url.host} contains a password.`,
      "Take it out of the URL, and give it as the connection's `token` or in LAKEFERRY_GIT_TOKEN. It was visible: replace it.",
    );
  if (url.search !== "" || url.hash !== "")
    throw refused(
      `The address of the repository at ${url.host} has a part after "?" or "#".`,
      "Give the address that `git clone` takes.",
    );
  const username = url.username === "" ? undefined : decodeURIComponent(url.username);
  switch (url.protocol) {
    case "file:":
      return atPath(fileURLToPath(url));
    case "ssh:":
      return { kind: "ssh", url: url.href, identity: withoutEnding(url.href) };
    case "http:":
      if (!isLoopback(url.hostname))
        throw refused(`The repository at ${url.host} would be reached without encryption.`, "Use https.");
      break;
    case "https:":
      break;
    default:
      throw refused(
        `A repository cannot be reached by ${url.protocol}`,
        "Use https, ssh or a path of this machine.",
      );
  }
  url.username = "";
  const identity = withoutEnding(url.href);
  return { kind: "http", url: url.href, identity, ...(username ? { username } : {}) };
}

function atPath(path: string): Address {
  const absolute = resolve(path);
  return { kind: "path", url: absolute, identity: absolute };
}

const scpLike = /^(?:[^/:@\s]+@)?(?:[^/:@\s]{2,}|\[[0-9a-f:]+\]):(?!\/\/)[^\s]+$/i;

/**
 * Reads a repository's address: https, http to this machine, ssh (also `git@host:path`), `file:`, or a path.
 * @throws LakeferryError `invalid-input` for other protocols and for a URL that holds a password
 */
export function parseAddress(text: string): Address {
  if (text.includes("\0") || text.includes("\n"))
    throw refused("The repository's address holds a control character.", "Give it on one line.");
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return fromUrl(text);
  if (/^[a-z]+::/i.test(text))
    throw refused(
      `A repository cannot be reached by "${text.split("::")[0]}::".`,
      "Use https, ssh or a path.",
    );
  if (scpLike.test(text)) {
    if (text.startsWith("-")) throw refused("The repository's address begins with a dash.", "Use ssh://.");
    return { kind: "ssh", url: text, identity: withoutEnding(text) };
  }
  return atPath(text);
}

/** Whether a text is meant as an address, and not as the name of a connection. */
export function looksLikeAddress(text: string): boolean {
  return /[/\\]|\.git$/.test(text) || scpLike.test(text);
}
