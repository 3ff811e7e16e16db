import { resolve } from "node:path";
import { DEFAULT_STATE } from "../config/config.ts";
import { fileState } from "../connectors/state/file-state.ts";
import { LakeferryError } from "../job/errors.ts";
import type { StateStore } from "../job/state.ts";

/** Opens a state location, `file:<folder>`. */
export function openState(location: string | undefined, cwd: string): StateStore {
  const [kind, ...rest] = (location ?? DEFAULT_STATE).split(":");
  const where = rest.join(":");
  if (kind === "file" && where !== "") return fileState(resolve(cwd, where));
  throw new LakeferryError(`"${location}" is not a state location.`, {
    code: "invalid-input",
    hint: "Write file:<folder>.",
  });
}
