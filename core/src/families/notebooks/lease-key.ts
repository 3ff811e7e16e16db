import type { BackupInputs } from "./backup-state.ts";

/** One lease for all branches of a backup: they are written together. */
export function leaseKey(inputs: Pick<BackupInputs, "branch" | "folder">): string {
  return inputs.folder ? `${inputs.branch}/${inputs.folder}` : inputs.branch;
}
