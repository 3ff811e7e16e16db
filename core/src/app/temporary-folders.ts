import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "lakeferry-";

/** The run's temporary folders, all below one that names this process, so that what a killed run left can be told and removed. */
export class TemporaryFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async open(): Promise<TemporaryFolders> {
    await sweep();
    return new TemporaryFolders(await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  }

  async make(name: string): Promise<string> {
    await mkdir(join(this.#root, "."), { recursive: true });
    return mkdtemp(join(this.#root, `${name}-`));
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Removes the folders of processes of this machine that are dead. */
async function sweep(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid && !alive(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
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
