import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { type Config, readConfig } from "../config/config.ts";
import { LakeferryError } from "../job/errors.ts";
import { definitions } from "./definitions.ts";

export const CONFIG_FILE = "lakeferry.yml";

/**
 * Reads the configuration: the named file, or `lakeferry.yml` in the working folder when there is one.
 * @throws LakeferryError `invalid-input`: a named file that is missing, or a problem with file, line and column
 */
export async function loadConfig(file: string | undefined, cwd: string): Promise<Config | undefined> {
  const path = resolve(cwd, file ?? CONFIG_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new LakeferryError(`The configuration ${path} cannot be read: ${(error as Error).message}`, {
      code: "invalid-input",
      cause: error,
      hint: "Name it with --config, or run in its folder.",
    });
  }
  return readConfig(text, relative(cwd, path) || path, definitions);
}
