import { invalid } from "./api-error.ts";

/** What can be changed while the sandbox runs, by option or by `POST /_sandbox/settings`. */
export interface Settings {
  /** What a directory exported as SOURCE or AUTO becomes; DBC always gives an archive. Public sources disagree. */
  directoryExport: "source-zip" | "dbc";
  /** Are workspace FILEs part of a directory's SOURCE zip? They always are part of its AUTO zip. */
  filesInSource: boolean;
  /** Are the requests of a workspace limited per second? */
  rateLimits: boolean;
  exportPerSecond: number;
  importPerSecond: number;
  /** The limit of one import or export, in bytes. */
  contentLimit: number;
  /** The limit of a FILE read with `direct_download=true`, in bytes. Public sources disagree: 10 MiB or 500 MB. */
  downloadLimit: number;
  /** The limit of `workspace-files/import-file`, in bytes. */
  uploadLimit: number;
  /** How long a token from the token endpoint lives. */
  tokenSeconds: number;
  /** Reads and writes at and below these paths answer 403 PERMISSION_DENIED. */
  deniedPaths: string[];
}

const MIB = 1024 * 1024;

/** A workspace as documented, with the rate limits off. */
export const DEFAULT_SETTINGS: Settings = {
  directoryExport: "dbc",
  filesInSource: true,
  rateLimits: false,
  exportPerSecond: 60,
  importPerSecond: 30,
  contentLimit: 10 * MIB,
  downloadLimit: 500 * MIB,
  uploadLimit: 500 * MIB,
  tokenSeconds: 3600,
  deniedPaths: [],
};

/** Changes settings in place. Throws 400 for an unknown name or a value of the wrong kind, and then changes nothing. */
export function changeSettings(settings: Settings, change: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(change)) {
    if (!Object.hasOwn(DEFAULT_SETTINGS, name)) throw invalid(`There is no setting ${name}.`);
    const usual = DEFAULT_SETTINGS[name as keyof Settings];
    const fits = Array.isArray(usual)
      ? Array.isArray(value) && value.every((item) => typeof item === "string")
      : typeof value === typeof usual && (typeof value !== "number" || value >= 0);
    if (!fits) throw invalid(`The setting ${name} cannot be ${JSON.stringify(value)}.`);
    if (name === "directoryExport" && value !== "source-zip" && value !== "dbc") {
      throw invalid("The setting directoryExport is source-zip or dbc.");
    }
  }
  Object.assign(settings, change);
}
