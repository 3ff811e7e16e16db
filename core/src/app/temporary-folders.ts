import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The run's temporary folders, all below one that names the machine and this process, so that what a killed run left
 * can be told and removed.
 */
export class TemporaryFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async open(): Promise<TemporaryFolders> {
    const prefix = `lakeferry-${machine()}-`;
    await sweep(prefix);
    return new TemporaryFolders(await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`)));
  }

  async make(name: string): Promise<string> {
    await mkdir(join(this.#root, "."), { recursive: true });
    return mkdtemp(join(this.#root, `${name}-`));
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Removes the folders of processes that are dead; those of other machines that share the disk are not ours to judge. */
async function sweep(prefix: string): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid && !alive(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Equal for two processes only when they see each other's process ids: this host since its start, or this container. */
function machine(): string {
  const parts = [
    hostname(),
    known(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
    known(() => readlinkSync("/proc/self/ns/pid")),
  ];
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 8);
}

/** What only Linux tells; elsewhere the host's name alone decides. */
function known(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
