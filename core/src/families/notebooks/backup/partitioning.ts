/** Which branch an object's folder belongs to, and the year and engagement that its path names. */
export interface Partitioning {
  readonly branch: string;
  readonly shardBy: "none" | "year";
  /** Years before this one go to the archive branch. */
  readonly archiveBefore?: number | undefined;
}

const YEAR = /^(?:19|20)\d\d$/;

/** Year and engagement of a path such as `Clients/2024/ENG-101/NOTEBOOKS`: the first part that is a year, and the one after it. */
export function placeOf(path: string): { readonly year?: string; readonly engagement?: string } {
  const parts = path.split("/");
  const at = parts.findIndex((part) => YEAR.test(part));
  if (at < 0) return {};
  const engagement = parts[at + 1];
  return { year: parts[at]!, ...(engagement ? { engagement } : {}) };
}

/** The branch that holds what is in a folder. */
export function branchOf(folder: string, p: Partitioning): string {
  const { year } = placeOf(folder);
  if (year === undefined) return p.branch;
  if (p.archiveBefore !== undefined && Number(year) < p.archiveBefore) return `${p.branch}-archive`;
  return p.shardBy === "year" ? `${p.branch}-${year}` : p.branch;
}

/** Whether a branch that the repository has is one of this backup's, even if nothing of the workspace belongs there any more. */
export function isPartition(branch: string, p: Partitioning): boolean {
  if (branch === p.branch) return true;
  if (p.archiveBefore !== undefined && branch === `${p.branch}-archive`) return true;
  return (
    p.shardBy === "year" && branch.startsWith(`${p.branch}-`) && YEAR.test(branch.slice(p.branch.length + 1))
  );
}
