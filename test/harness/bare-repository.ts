import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A bare repository on disk, to be pushed to by its path and looked at with git itself. */
export class BareRepository {
  readonly path: string;

  /** Makes one, or opens the one that is there. */
  constructor(path: string) {
    this.path = path;
    if (existsSync(path)) return;
    execFileSync("git", ["init", "--bare", "--quiet", "--template=", "--initial-branch=main", path]);
  }

  git(...args: string[]): string {
    return execFileSync("git", ["--git-dir", this.path, ...args], {
      encoding: "utf8",
      maxBuffer: 1 << 29,
      stdio: ["ignore", "pipe", "pipe"],
    }).trimEnd();
  }

  /** Refs and what they point to. */
  refs(prefix = "refs/"): ReadonlyMap<string, string> {
    const text = this.git("for-each-ref", "--format=%(refname) %(objectname)", prefix);
    return new Map(text === "" ? [] : text.split("\n").map((line) => line.split(" ") as [string, string]));
  }

  /** Paths and blob ids of a commit's files. */
  files(ref: string): ReadonlyMap<string, string> {
    const lines = this.git("ls-tree", "-r", "-z", ref).split("\0").filter(Boolean);
    return new Map(
      lines.map((line) => {
        const [head = "", path = ""] = line.split("\t");
        return [path, head.split(" ")[2]!];
      }),
    );
  }

  /** The lines of the manifest at a commit. */
  manifest(ref: string): string[] {
    const buckets = [...this.files(ref)].filter(([path]) => /^\.lakeferry\/manifest\/.*\.jsonl$/.test(path));
    const text = execFileSync("git", ["--git-dir", this.path, "cat-file", "--batch"], {
      input: buckets.map(([, oid]) => `${oid}\n`).join(""),
      encoding: "utf8",
      maxBuffer: 1 << 29,
    });
    return text.split("\n").filter((line) => line.startsWith("{"));
  }

  /** Puts a shell script in as a hook, or takes it away. */
  hook(name: "pre-receive" | "update" | "post-receive", script: string | undefined): void {
    const file = join(this.path, "hooks", name);
    rmSync(file, { force: true });
    if (script === undefined) return;
    mkdirSync(join(this.path, "hooks"), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
}
