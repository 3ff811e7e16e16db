import { choice, duration, list, percent, shard, text, toggle, whole } from "../../job/inputs.ts";
import { BUCKETS } from "./manifest/manifest-bucket.ts";

/** Inputs that several jobs of the family share. */
export const branch = text({ help: "The branch that holds the backup", default: "main", example: "main" });

export const backupInputs = {
  path: text({
    help: "The workspace folder to back up, with all below it",
    default: "/",
    example: "/Clients",
  }),
  branch,
  format: choice(["SOURCE", "JUPYTER"], {
    help: "SOURCE is readable and diffs well; JUPYTER keeps outputs, at one request a notebook",
    default: "SOURCE",
  }),
  include: list({ help: "Only paths that match one of these globs", example: "/Clients/2025/**" }),
  exclude: list({ help: "Not the paths that match one of these globs", example: "**/scratch/**" }),
  deleted: choice(["mirror", "keep"], {
    help: "What happens in the backup to what is gone from the workspace: mirror removes it from the branch (it stays in the history), keep leaves it there",
    default: "mirror",
  }),
  shard: shard({
    help: "The part this runner does, when several share one backup",
    example: "2/8",
    most: BUCKETS,
    advanced: true,
  }),
  commitSize: whole({
    help: "Files in a commit at most",
    default: "1000",
    min: 1,
    max: 100_000,
    advanced: true,
  }),
  tag: text({
    help: "The tag that marks this backup; {date} and {run} are filled in",
    default: "backup/{date}",
    advanced: true,
  }),
  folder: text({
    help: "A folder of the repository to keep the backup in, beside other things",
    example: "workspace",
    advanced: true,
  }),
  shardBy: choice(["none", "year"], {
    help: "year writes one branch a year (<branch>-2024), for repositories that grow large",
    default: "none",
    advanced: true,
  }),
  archiveBefore: whole({
    help: "Engagements of years before this one go to the branch <branch>-archive",
    example: "2023",
    min: 1900,
    max: 9999,
    advanced: true,
  }),
  archives: toggle({
    help: "Export whole folders in one request where that is cheaper",
    default: "true",
    advanced: true,
  }),
  concurrency: whole({
    help: "Requests to the workspace at once",
    default: "24",
    min: 1,
    max: 256,
    advanced: true,
  }),
  maxAge: duration({
    help: "How old an unfinished working branch may be to be taken up again",
    default: "7d",
    advanced: true,
  }),
} as const;

export const verifyInputs = {
  branch,
  ref: text({
    help: "The tag, branch or commit to verify, instead of the branch's head",
    example: "backup/2026-11-20",
  }),
  sample: percent({
    help: "How much of the backup to export again and compare",
    default: "100%",
    example: "5%",
  }),
  include: list({ help: "Only paths that match one of these globs", example: "/Clients/2025/**" }),
  exclude: list({ help: "Not the paths that match one of these globs", example: "**/scratch/**" }),
  folder: text({ help: "The folder of the repository that the backup is kept in", advanced: true }),
  concurrency: whole({
    help: "Requests to the workspace at once",
    default: "24",
    min: 1,
    max: 256,
    advanced: true,
  }),
} as const;

export const restoreInputs = {
  branch,
  ref: text({
    help: "The tag, branch or commit to restore from, instead of the branch's head",
    example: "backup/2026-11-20",
  }),
  include: list({ help: "Only paths that match one of these globs", example: "/Clients/2024/ENG-101/**" }),
  exclude: list({ help: "Not the paths that match one of these globs", example: "**/scratch/**" }),
  target: text({
    help: "The workspace folder to restore below, instead of where it was",
    example: "/Restored",
  }),
  overwrite: choice(["never", "changed", "always"], {
    help: "What happens to what is there already: never touches it, changed replaces what differs, always replaces it",
    default: "never",
  }),
  deleted: toggle({
    help: "Also restore what the backup kept after it was deleted from the workspace",
    advanced: true,
  }),
  folder: text({ help: "The folder of the repository that the backup is kept in", advanced: true }),
  concurrency: whole({
    help: "Requests to the workspace at once",
    default: "16",
    min: 1,
    max: 256,
    advanced: true,
  }),
} as const;
