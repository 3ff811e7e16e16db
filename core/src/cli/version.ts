import { readFileSync } from "node:fs";

/** The version of the package this code stands in. */
export function version(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "@lakeferry/core" && found.version) return found.version;
    } catch {
      // The bundle and the sources stand at different depths: one of the two is right.
    }
  }
  return "0.0.0";
}
