import { writeFile } from "node:fs/promises";
import { type AnyJob, count, countOf, type JobResult, Progress, type RunEvent } from "../index.ts";
import { finalText } from "./final-text.ts";

export interface Listener {
  take(event: RunEvent): void;
  finish(result: JobResult, reportFile: string | undefined): Promise<void>;
}

const LIVE_EVERY_MS = 100;
const PLAIN_EVERY_MS = 5_000;
/** Warnings, and failed items, that are shown as they come; the report names more. */
const MOST_SHOWN = 20;

/** Shows a run on a terminal (a line that moves), in a log (a line now and then), or as JSON lines. */
export function listener(o: { json: boolean; dryRun: boolean; job: AnyJob; now: () => number }): Listener {
  if (o.json) return jsonLines();
  const out = process.stderr;
  const live = out.isTTY === true && process.env.TERM !== "dumb" && !process.env.CI;
  const progress = new Progress(o.now);
  let shownAt = 0;
  const clear = () => live && out.write("\r\u001b[K");
  const show = (now: boolean) => {
    const time = o.now();
    if (!now && time - shownAt < (live ? LIVE_EVERY_MS : PLAIN_EVERY_MS)) return;
    shownAt = time;
    if (live) out.write(`\r\u001b[K${cut(progress.line(), out.columns ?? 80)}`);
    else out.write(`${progress.line()}\n`);
  };
  const say = (text: string) => {
    clear();
    out.write(`${text}\n`);
  };
  const timer = setInterval(() => show(false), live ? LIVE_EVERY_MS : PLAIN_EVERY_MS);
  timer.unref();
  let warnings = 0;
  let failures = 0;
  const failed = (item: string, reason: string) => {
    if (++failures <= MOST_SHOWN) say(`  ✗ ${item}: ${reason}`);
  };
  return {
    take(event) {
      if (event.type === "phase" && live && shownAt > 0) say(progress.line());
      progress.take(event);
      if (event.type === "started")
        say(`${o.job.summary}${o.dryRun ? " (dry run: nothing is written)" : ""} · run ${event.run}`);
      if (event.type === "forecast") {
        const width = Math.max(...event.forecast.facts.map(({ label }) => label.length));
        for (const { label, value } of event.forecast.facts) say(`  ${label.padEnd(width)}  ${value}`);
        for (const warning of event.forecast.warnings) say(`  ! ${warning}`);
      }
      if (event.type === "warning" && ++warnings <= MOST_SHOWN)
        say(`  ! ${event.item ? `${event.item}: ` : ""}${event.text}`);
      if (event.type === "step-failed") failed(event.step, event.error.message);
      if (event.type === "step-finished") for (const one of event.rejected) failed(one.item, one.message);
      if (event.type === "throttled")
        say(
          `  · ${event.endpoint} is throttled; going on at ${Math.round(event.perSecond)} requests a second`,
        );
      if (event.type !== "finished" && event.type !== "started") show(event.type === "phase" && !live);
    },
    async finish(result, reportFile) {
      clearInterval(timer);
      if (live && shownAt > 0) say(progress.line());
      if (warnings > MOST_SHOWN) say(`  ! … and ${countOf(warnings - MOST_SHOWN, "more warning")}`);
      if (failures > MOST_SHOWN) say(`  ✗ … and ${count(failures - MOST_SHOWN)} more failed`);
      process.stdout.write(`${finalText(result)}\n`);
      if (reportFile) await writeFile(reportFile, result.report);
    },
  };
}

function jsonLines(): Listener {
  const line = (value: unknown) =>
    process.stdout.write(
      `${JSON.stringify(value, (_key, one) => (typeof one === "bigint" ? Number(one) : one))}\n`,
    );
  return {
    take: line,
    async finish(result, reportFile) {
      if (result.kept) line({ type: "kept", ...result.kept });
      if (reportFile) await writeFile(reportFile, result.report);
    },
  };
}

function cut(text: string, columns: number): string {
  const signs = [...text];
  return signs.length < columns ? text : `${signs.slice(0, columns - 2).join("")}…`;
}
