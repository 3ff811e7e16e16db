/** `20261120T020000Z`: how run ids begin, so that they sort by start. */
export function runStamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
}
