import { countOf } from "../../../job/quantities.ts";
import { type Trailers, withTrailers } from "../manifest/trailers.ts";
import { placeOf } from "./partitioning.ts";

const MOST_NAMED = 6;
const MOST_LINES = 40;

/** `2024: ENG-101, ENG-102 and 18 more (1,000 files)`, with a line per year and engagement below. */
export function commitMessage(
  files: readonly { readonly path: string; readonly deleted: boolean }[],
  trailers: Trailers,
): string {
  const deleted = files.filter((file) => file.deleted).length;
  const counts = [
    ...(files.length > deleted ? [countOf(files.length - deleted, "file")] : []),
    ...(deleted > 0 ? [`${countOf(deleted, "file")} removed`] : []),
  ];
  const groups = [...Map.groupBy(files, ({ path }) => groupOf(path))].sort(([a], [b]) => (a < b ? -1 : 1));
  const subject = `${subjectOf(groups.map(([name]) => name))} (${counts.join(", ") || "manifest"})`;
  const lines = groups.slice(0, MOST_LINES).map(([name, all]) => `- ${name}: ${countOf(all.length, "file")}`);
  const more =
    groups.length > MOST_LINES ? [`- and ${countOf(groups.length - MOST_LINES, "more engagement")}`] : [];
  return withTrailers([subject, "", ...lines, ...more].join("\n"), trailers);
}

function groupOf(path: string): string {
  const { year, engagement } = placeOf(path);
  if (year === undefined) return clean(path.includes("/") ? path.slice(0, path.indexOf("/")) : "/");
  return clean(engagement === undefined || !path.includes(`${engagement}/`) ? year : `${year}/${engagement}`);
}

function subjectOf(groups: readonly string[]): string {
  const years = [...Map.groupBy(groups, (group) => group.split("/")[0]!)];
  return years
    .map(([year, all]) => {
      const engagements = all.map((group) => group.slice(year.length + 1)).filter((name) => name !== "");
      if (engagements.length === 0) return year;
      const named = engagements.slice(0, MOST_NAMED).join(", ");
      return `${year}: ${named}${engagements.length > MOST_NAMED ? ` and ${engagements.length - MOST_NAMED} more` : ""}`;
    })
    .join("; ")
    .slice(0, 200);
}

/** A name from the workspace on one line: it must not look like a trailer or another line. */
function clean(name: string): string {
  return [...name].map((sign) => (sign < " " || sign === "\x7f" ? "?" : sign)).join("");
}
