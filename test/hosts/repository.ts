import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A line of the manifest, as it stands in the repository: nothing of core reads it here. */
export interface ManifestLine {
  readonly path: string;
  readonly file: string;
  readonly id: string;
  readonly type: string;
  readonly language?: string;
  readonly modified: number;
  readonly size: number;
  readonly blob: string;
  readonly sha256: string;
  readonly format: string;
  readonly deleted?: string;
}

/** A bare repository, looked at with git's own plumbing. */
export class BareRepository {
  readonly path: string;

  constructor(path: string, create = true) {
    this.path = path;
    if (!create) return;
    mkdirSync(path, { recursive: true });
    this.git("init", "--bare", "--quiet", "--template=", "--initial-branch=main");
    this.git("config", "uploadpack.allowFilter", "true");
    this.git("config", "uploadpack.allowAnySHA1InWant", "true");
    this.git("config", "receive.autogc", "false");
  }

  git(...args: string[]): string {
    return this.run(args).toString("utf8").trim();
  }

  run(args: readonly string[], input?: string | Buffer, env: Record<string, string> = {}): Buffer {
    return execFileSync("git", ["--git-dir", this.path, ...args], {
      maxBuffer: 1 << 30,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(input === undefined ? {} : { input }),
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_AUTHOR_NAME: "Somebody",
        GIT_AUTHOR_EMAIL: "somebody@example.com",
        GIT_COMMITTER_NAME: "Somebody",
        GIT_COMMITTER_EMAIL: "somebody@example.com",
        ...env,
      },
    });
  }

  /** Puts a shell script in as a hook of the remote. */
  hook(name: "pre-receive" | "update" | "post-receive", script: string): void {
    mkdirSync(join(this.path, "hooks"), { recursive: true });
    writeFileSync(join(this.path, "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Refs with what they point to. */
  refs(prefix = "refs/"): Map<string, string> {
    const lines = this.git("for-each-ref", "--format=%(refname) %(objectname)", prefix);
    return new Map(
      lines
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  branches(): string[] {
    return [...this.refs("refs/heads/").keys()].map((name) => name.slice("refs/heads/".length));
  }

  tags(): string[] {
    return [...this.refs("refs/tags/").keys()].map((name) => name.slice("refs/tags/".length));
  }

  head(branch = "main"): string {
    return this.git("rev-parse", `refs/heads/${branch}^{commit}`);
  }

  /** Blob ids by path. */
  files(ref = "main"): Map<string, string> {
    const out = this.run(["ls-tree", "-r", "-z", "--full-tree", ref]).toString("utf8");
    return new Map(
      out
        .split("\0")
        .filter((line) => line !== "")
        .map((line) => {
          const tab = line.indexOf("\t");
          return [line.slice(tab + 1), line.slice(0, tab).split(" ")[2]!] as const;
        }),
    );
  }

  /** Contents of blobs, in one go. */
  blobs(oids: readonly string[]): Map<string, Buffer> {
    const all = [...new Set(oids)];
    const found = new Map<string, Buffer>();
    if (all.length === 0) return found;
    const out = this.run(["cat-file", "--batch"], `${all.join("\n")}\n`);
    let at = 0;
    for (const oid of all) {
      const end = out.indexOf(10, at);
      const [name, type, size] = out.toString("latin1", at, end).split(" ");
      if (name !== oid || type !== "blob") throw new Error(`${oid} is no blob of ${this.path}: ${type}`);
      found.set(oid, Buffer.from(out.subarray(end + 1, end + 1 + Number(size))));
      at = end + 2 + Number(size);
    }
    return found;
  }

  /** The bytes of a file at a ref. */
  file(path: string, ref = "main"): Buffer {
    const oid = this.files(ref).get(path);
    if (oid === undefined) throw new Error(`There is no ${path} at ${ref}.`);
    return this.blobs([oid]).get(oid)!;
  }

  /** All lines of the manifest at a ref. */
  manifest(ref = "main", folder = ""): ManifestLine[] {
    const prefix = `${folder === "" ? "" : `${folder}/`}.lakeferry/manifest/`;
    const buckets = [...this.files(ref)].filter(([path]) => path.startsWith(prefix)).map(([, oid]) => oid);
    return [...this.blobs(buckets).values()].flatMap((bytes) =>
      bytes
        .toString("utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as ManifestLine),
    );
  }

  /** Commits that a ref has and others have not, newest first. */
  commits(...range: string[]): string[] {
    return this.git("rev-list", ...(range.length > 0 ? range : ["main"]))
      .split("\n")
      .filter((line) => line !== "");
  }

  message(ref: string): string {
    return this.git("show", "--no-patch", "--format=%B", ref);
  }

  /** Makes a commit as somebody with a clone of their own would: files by path, null deletes. Answers its id. */
  commit(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    message = "By somebody else",
  ): string {
    const parent = this.branches().includes(branch) ? this.head(branch) : undefined;
    const env = { GIT_INDEX_FILE: join(this.path, "somebody-index") };
    this.run(["read-tree", ...(parent ? [parent] : ["--empty"])], undefined, env);
    const lines = Object.entries(files).map(([path, text]) => {
      if (text === null) return `0 ${"0".repeat(40)}\t${path}\0`;
      const oid = this.run(["hash-object", "-w", "--stdin"], text).toString().trim();
      return `100644 ${oid}\t${path}\0`;
    });
    this.run(["update-index", "-z", "--index-info"], lines.join(""), env);
    const tree = this.run(["write-tree"], undefined, env).toString().trim();
    const made = this.git("commit-tree", tree, ...(parent ? ["-p", parent] : []), "-m", message);
    this.git("update-ref", `refs/heads/${branch}`, made, ...(parent ? [parent] : []));
    return made;
  }

  /** The content of a backup without what says how it was made: equal for equal workspaces. */
  content(ref = "main"): Record<string, string> {
    return Object.fromEntries(
      [...this.files(ref)].filter(([path]) => !path.startsWith(".lakeferry/") && path !== "README.md"),
    );
  }
}
