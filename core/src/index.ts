/** The public surface of the Lakeferry core: what hosts are made of. */
export { allJobs, definitions, findJob } from "./app/definitions.ts";
export { type DoctorCheck, doctor } from "./app/doctor.ts";
export type { Host } from "./app/host.ts";
export { CONFIG_FILE, loadConfig } from "./app/load-config.ts";
export { exitCodeOf, type JobRequest, type JobResult, runJob } from "./app/run-job.ts";
export { type EntryStatus, status, tooOld } from "./app/status.ts";
export type { Config } from "./config/config.ts";
export type { AnyJob } from "./job/define-job.ts";
export { equationText } from "./job/equation.ts";
export { asLakeferryError, LakeferryError } from "./job/errors.ts";
export type { RunEvent } from "./job/events.ts";
export { parseDuration, splitList } from "./job/inputs.ts";
export { camel, kebab } from "./job/names.ts";
export { bytes, count, countOf, timeSpan } from "./job/quantities.ts";
export { type DescribedInput, describeInputs } from "./render/described-inputs.ts";
export { Progress } from "./runtime/progress.ts";
export { outcomesText } from "./runtime/summary.ts";
