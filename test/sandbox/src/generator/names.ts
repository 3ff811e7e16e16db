import { random } from "../random.ts";
import type { Planned } from "./generate.ts";

const VERBS = [
  "load",
  "clean",
  "join",
  "score",
  "profile",
  "export",
  "check",
  "backfill",
  "explore",
  "merge",
  "forecast",
  "repair",
];
const NOUNS = [
  "orders",
  "sensors",
  "customers",
  "invoices",
  "stock",
  "shifts",
  "claims",
  "sessions",
  "prices",
  "meters",
  "routes",
  "tickets",
];
const SUFFIXES = ["", "", "", "_v2", "_daily", "_weekly", " (copy)", " report", "_final", "_test"];

/** The ordinary objects of one engagement: unique names, languages 70/15/8/7, a FILE in every 280, three dashboards in all. */
export function plainNames(engagement: number, count: number, seed: number): Planned[] {
  const dice = random(`names ${seed} ${engagement}`);
  const planned: Planned[] = [];
  for (let n = 0; n < count; n++) {
    const stem = `${String(n + 1).padStart(2, "0")}_${dice.pick(VERBS)}_${dice.pick(NOUNS)}${dice.pick(SUFFIXES)}`;
    const kind = dice.next();
    if (n === 0 && count > 1 && engagement % 400 === 7) planned.push(dashboard(`${stem}.lvdash.json`));
    else if (kind < 1 / 280) planned.push(file(`${stem}${dice.pick([".csv", ".yaml", ".txt", ".py"])}`));
    else planned.push({ name: stem, make: (writer, key) => writer.notebook(key) });
  }
  return planned;
}

const file = (name: string): Planned => ({
  name,
  make: (writer, key) => ({ type: "FILE", content: writer.file(key) }),
});

const dashboard = (name: string): Planned => ({
  name,
  make: (writer, key) => ({ type: "DASHBOARD", content: writer.dashboard(key) }),
});
