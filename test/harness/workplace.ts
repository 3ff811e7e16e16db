import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of this process's own, removed in the end; in it an empty folder for each run, as a fresh CI runner has. */
export class Workplace {
  readonly root: string;
  #made = 0;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(name: string): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), `lf-${name}-`)));
  }

  /** An empty folder to run in, with an empty one for temporary files. */
  async runner(): Promise<{ cwd: string; tmp: string }> {
    const cwd = join(this.root, `runner-${++this.#made}`);
    const tmp = join(this.root, `tmp-${this.#made}`);
    await mkdir(cwd);
    await mkdir(tmp);
    return { cwd, tmp };
  }

  path(name: string): string {
    return join(this.root, name);
  }

  close(): Promise<void> {
    return rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
