import { z } from "zod";
import { LakeferryError } from "../../../job/errors.ts";

/** What a backup is a backup of: `.lakeferry/backup.json` beside the manifest. */
export interface BackupDescription {
  /** Of the layout of `.lakeferry` and of the naming of files. */
  readonly version: 1;
  /** The backed-up folder of the workspace, absolute. */
  readonly root: string;
  readonly format: "SOURCE" | "JUPYTER";
  /** The workspace, without credentials. */
  readonly host: string;
  /** The globs that chose what is backed up. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export const DESCRIPTION_FILE = ".lakeferry/backup.json";

const Description = z.strictObject({
  version: z.literal(1),
  root: z.string().startsWith("/"),
  format: z.enum(["SOURCE", "JUPYTER"]),
  host: z.string().min(1),
  include: z.array(z.string()),
  exclude: z.array(z.string()),
});

/** Equal descriptions give equal bytes. */
export function encodeDescription({
  version,
  root,
  format,
  host,
  include,
  exclude,
}: BackupDescription): Buffer {
  return Buffer.from(
    `${JSON.stringify({ version, root, format, host, include, exclude }, undefined, 2)}\n`,
    "utf8",
  );
}

/**
 * @param file where the bytes are from, named in errors
 * @throws LakeferryError `not-supported` for another version; `corrupt` for what is no description
 */
export function decodeDescription(bytes: Uint8Array, file: string = DESCRIPTION_FILE): BackupDescription {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new LakeferryError(`${file} is not JSON.`, { code: "corrupt", cause });
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version !== 1) {
    throw new LakeferryError(
      `The backup has version ${version}; this Lakeferry reads and writes version 1.`,
      {
        code: "not-supported",
        hint: "Use the Lakeferry that wrote it, or a newer one.",
      },
    );
  }
  const parsed = Description.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new LakeferryError(`${file} does not describe a backup: ${z.prettifyError(parsed.error)}`, {
    code: "corrupt",
    cause: parsed.error,
  });
}
