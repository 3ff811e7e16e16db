import { describe, expect, test } from "vitest";
import { byteOrder } from "../manifest/byte-order.ts";
import { seeded } from "../seeded.test-support.ts";
import { foldedName, portableName } from "./portable-name.ts";
import { type Child, repositoryNames } from "./repository-names.ts";

const notebook = (name: string, language = "PYTHON"): Child => ({ name, type: "NOTEBOOK", language });
const file = (name: string): Child => ({ name, type: "FILE" });
const folder = (name: string): Child => ({ name, type: "DIRECTORY" });
const names = (children: Child[], root = false): string[] => {
  const map = repositoryNames(children, "SOURCE", { root });
  return children.map((_, index) => map.get(index)!);
};

describe("repositoryNames", () => {
  test("leaves plain names as they are", () => {
    const children = [
      notebook("100% coverage", "SQL"),
      notebook("Q4 report — final (v2)"),
      notebook("site manager's summary", "R"),
      notebook("Sessionize", "SCALA"),
      notebook("v1.2"),
      notebook("new", "GO"),
      file("sites.csv"),
      file(".env"),
      file(" leading"),
      file("👨‍👩‍👧 family.txt"),
      file("report~1"),
      folder("2024"),
      { name: "sales.lvdash.json", type: "DASHBOARD" },
    ];
    expect(names(children)).toEqual([
      "100% coverage.sql",
      "Q4 report — final (v2).py",
      "site manager's summary.r",
      "Sessionize.scala",
      "v1.2.py",
      "new.source",
      "sites.csv",
      ".env",
      " leading",
      "👨‍👩‍👧 family.txt",
      "report~1",
      "2024",
      "sales.lvdash.json",
    ]);
    expect(repositoryNames([notebook("a", "SQL")], "JUPYTER").get(0)).toBe("a.ipynb");
  });

  test.each([
    ['a<b>c:d"e|f?g*h\\i', "a%3Cb%3Ec%3Ad%22e%7Cf%3Fg%2Ah%5Ci"],
    ["tab\tnul\0", "tab%09nul%00"],
    ["half \ud83e", "half %uD83E"],
    ["dot.", "dot%2E"],
    ["dots..", "dots.%2E"],
    ["space ", "space%20"],
    [".", "%2E"],
    ["..", ".%2E"],
    ["", "_"],
    ["CON", "CON_"],
    ["con.txt", "con_.txt"],
    ["Com1 .tar.gz", "Com1_ .tar.gz"],
    ["LPT²", "LPT²_"],
    ["console", "console"],
    [".git", "%2Egit"],
    [".GIT", "%2EGIT"],
    [".git ", ".git%20"],
    [".git. .", ".git. %2E"],
    [".git::$INDEX_ALLOCATION", ".git%3A%3A$INDEX_ALLOCATION"],
    [".g\u200cit", "%2Eg\u200cit"],
    ["\ufeff.git", "%EF%BB%BF.git"],
    ["git~1", "git%7E1"],
    ["GITMOD~3", "GITMOD%7E3"],
    ["gi7eba~1", "gi7eba%7E1"],
    ["~1000000", "%7E1000000"],
    [".gitmodules", "%2Egitmodules"],
    [".gitattributes", "%2Egitattributes"],
    [".gitignore", ".gitignore"],
  ])("makes %j portable", (name, expected) => {
    expect(names([file(name)])).toEqual([expected]);
  });

  test("keeps both where two want the same name", () => {
    expect(names([file("a.py"), notebook("a")])).toEqual(["a (file).py", "a.py"]);
    expect(names([notebook("x"), folder("x.py")])).toEqual(["x.py", "x.py (folder)"]);
    expect(names([notebook("report"), notebook("Report"), notebook("REPORT")])).toEqual([
      "report (3).py",
      "Report (2).py",
      "REPORT.py",
    ]);
    expect(names([file("caf\u00e9.txt"), file("cafe\u0301.txt")])).toEqual([
      "caf\u00e9 (2).txt",
      "cafe\u0301.txt",
    ]);
    expect(names([folder("straße"), folder("STRASSE")])).toEqual(["straße (2)", "STRASSE"]);
    expect(names([notebook("a:b"), notebook("a%3Ab")])).toEqual(["a%3Ab (2).py", "a%3Ab.py"]);
    expect(names([notebook("a:b"), file("a%3Ab.py")])).toEqual(["a%3Ab (notebook).py", "a%3Ab.py"]);
  });

  test("gives no suffix that another child has by nature", () => {
    expect(names([file("a.py"), notebook("a"), notebook("a (file)"), file("A (FILE 2).py")])).toEqual([
      "a (file 3).py",
      "a.py",
      "a (file).py",
      "A (FILE 2).py",
    ]);
  });

  test("keeps the backup's own names, in the root only", () => {
    const children = [file("readme.MD"), folder(".lakeferry"), file(".gitignore"), notebook("README", "SQL")];
    expect(names(children, true)).toEqual([
      "readme (file).MD",
      ".lakeferry (folder)",
      ".gitignore (file)",
      "README.sql",
    ]);
    expect(names(children)).toEqual(["readme.MD", ".lakeferry", ".gitignore", "README.sql"]);
  });

  test("cuts long names between characters and tells them apart", () => {
    const long = "é".repeat(200);
    const [one, two, three] = names([
      notebook(`${long}1`),
      notebook(`${long}2`),
      file(`${"🦆".repeat(70)}.csv`),
    ]);
    expect(one).toMatch(/^é{114}~[0-9a-f]{8}\.py$/);
    expect(two).toMatch(/^é{114}~[0-9a-f]{8}\.py$/);
    expect(one).not.toBe(two);
    expect(three).toMatch(/^(?:🦆){56}~[0-9a-f]{8}\.csv$/u);
  });

  test("is portable, unique and the same in any order, for any names", () => {
    const chance = seeded(5);
    const parts = [
      "a",
      "A",
      "é",
      "e\u0301",
      ".py",
      " (2)",
      " (file)",
      ":",
      "%3A",
      ".",
      " ",
      "CON",
      "git",
      "\u200c",
    ];
    parts.push(
      "ß",
      "ss",
      "İ",
      "ı",
      "ς",
      "🦆",
      "\udc00",
      "~1",
      "x".repeat(120),
      ".GIT",
      "README.md",
      "\uffff",
    );
    const kinds = ["NOTEBOOK", "FILE", "DIRECTORY", "DASHBOARD", "REPO", "LIBRARY"];
    for (let round = 0; round < 400; round++) {
      const seen = new Map<string, Child>();
      for (let count = chance.below(30); count >= 0; count--) {
        const type = chance.pick(kinds);
        const language = chance.pick(["PYTHON", "SQL", "R"]);
        const name = chance.text(parts, 4);
        seen.set(`${type} ${name}`, type === "NOTEBOOK" ? { name, type, language } : { name, type });
      }
      const children = [...seen.values()];
      const first = names(children, true);
      expect(new Set(first.map(foldedName)).size).toBe(children.length);
      for (const name of first) {
        expect(portableName(name)).toBe(name);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240);
        expect(name.isWellFormed()).toBe(true);
      }
      const shuffled = chance.shuffle(children);
      const again = names(shuffled, true);
      expect(shuffled.map((child) => first[children.indexOf(child)])).toEqual(again);
    }
  });
});

test("byteOrder is the order of the UTF-8 bytes", () => {
  const chance = seeded(6);
  const parts = ["a", "é", "\ue000", "\uffff", "🦆", "𝒳", "/", "~"];
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [chance.text(parts, 4), chance.text(parts, 4)];
    expect(Math.sign(byteOrder(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
});
