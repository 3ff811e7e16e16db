import { readFileSync } from "node:fs";

/** The processes below one, by what the kernel tells; none where it tells nothing (it is not Linux). */
export function descendants(pid: number): number[] {
  let children: number[];
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
    children = text.split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it has ended, or the kernel has no such file
  }
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** A line of `/proc/<pid>/status` in MB, such as `VmHWM` or `VmRSS`; 0 when there is none. */
export function memoryOf(pid: number, field: "VmHWM" | "VmRSS"): number {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "latin1"),
    );
    return line ? Number(line[1]) / 1024 : 0;
  } catch {
    return 0; // it has ended
  }
}

/** Sends SIGKILL; a process that has ended already is left alone. */
export function kill9(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
