import { type BackupInputs, normalFolder } from "./backup-state.ts";

/** One lease for all branches of a backup: they are written together. */
export function leaseKey(inputs: Pick<BackupInputs, "branch" | "folder">): string {
  const folder = normalFolder(inputs.folder);
  return folder === "" ? inputs.branch : `${inputs.branch}/${folder}`;
}
