import { describe, expect, test } from "vitest";
import { selection } from "./globs.ts";
import { seeded } from "./seeded.test-support.ts";

describe("selection", () => {
  test("takes everything below the root when nothing is said", () => {
    const all = selection([], [], "/Clients");
    expect(all("/Clients/2024/etl")).toBe(true);
    expect(all("/Clients/..")).toBe(true);
    expect(all("/Clients2/etl")).toBe(false);
    expect(all.mayContain("/Clients")).toBe(true);
    expect(all.mayContain("/Shared")).toBe(false);
    expect(selection([], [], "/")("/any")).toBe(true);
  });

  test("reads relative and absolute globs; a folder selects all in it", () => {
    const some = selection(
      ["2024/*", "/Clients/2023/ENG-001/"],
      ["**/old", "2024/ENG-1??/tmp*"],
      "/Clients/",
    );
    expect(some("/Clients/2024/ENG-101/deep/er/etl")).toBe(true);
    expect(some("/Clients/2023/ENG-001/x")).toBe(true);
    expect(some("/Clients/2023/ENG-002/x")).toBe(false);
    expect(some("/Clients/2024/ENG-101/old/etl")).toBe(false);
    expect(some("/Clients/2024/ENG-101/older/etl")).toBe(true);
    expect(some("/Clients/2024/ENG-101/tmp7")).toBe(false);
    expect(some("/Clients/2024")).toBe(false);
    expect(selection(["**/*.csv"], [], "/")("/a/.hidden/.b.csv")).toBe(true);
    expect(selection(["{a,b}/**/x"], [], "/r")("/r/b/x/y")).toBe(true);
    expect(selection(["!(a)"], [], "/r")("/r/b/x")).toBe(true);
    expect(selection(["**"], [], "/r").mayContain("/r")).toBe(true);
    expect(selection([], ["**"], "/r").mayContain("/r")).toBe(false);
  });

  test("takes names literally, also the root's", () => {
    const root = "/[draft] {x} *";
    const names = ["a\nb", "a\\b", "[a]", "{a,b}", "**", "!a", ".a", " a ", "a\u2028b", "(a", "+(a)"];
    const all = selection(["**/*"], [], root);
    const one = selection(["one/*"], [], root);
    for (const name of names) {
      expect(all(`${root}/${name}`)).toBe(true);
      expect(all(`${root}/x/${name}/${name}`)).toBe(true);
      expect(one(`${root}/one/${name}`)).toBe(true);
      expect(one(`${root}/${name}/one`)).toBe(false);
      expect(one.mayContain(`${root}/${name}`)).toBe(false);
    }
    expect(selection(["\\[a\\]"], [], root)(`${root}/[a]/x`)).toBe(true);
    expect(selection(["\\[a\\]"], [], root)(`${root}/a`)).toBe(false);
  });

  test.each([
    "",
    "/",
    "!a",
    "a/../b",
    "./a",
    "a//b",
    "[a",
    "{a,b",
    "(a",
    "a]",
    "/Shared/**",
    "x".repeat(70_000),
  ])("refuses %.20j", (pattern) => {
    expect(() => selection([pattern], [], "/Clients")).toThrow(
      expect.objectContaining({ code: "invalid-input", message: expect.stringContaining("`include`") }),
    );
  });

  test("lets a scan skip what cannot match", () => {
    const some = selection(["2024/ENG-*/NOTEBOOKS/*", "/Clients/{2022,2023}/a"], ["2024/ENG-9*"], "/Clients");
    const may = (folder: string): boolean => some.mayContain(`/Clients${folder}`);
    expect(
      ["", "/2024", "/2024/ENG-101", "/2024/ENG-101/NOTEBOOKS", "/2024/ENG-101/NOTEBOOKS/x/y"].map(may),
    ).toEqual([true, true, true, true, true]);
    expect(["/2024/x", "/2024/ENG-101/src", "/2024/ENG-900", "/2024/ENG-900/NOTEBOOKS"].map(may)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(selection(["2024"], [], "/Clients").mayContain("/Clients/2025")).toBe(false);
  });

  test("never skips a folder with something selected in it", () => {
    const chance = seeded(7);
    const parts = ["a", "b", "ab", ".a", "a b", "[a]"];
    const globs = [
      "a",
      "b",
      "*",
      "**",
      "a*",
      "?",
      "{a,b}",
      "{a,b/a}",
      "[ab]",
      "\\[a\\]",
      "!(a)",
      "@(a/b|b)",
      "a**",
    ];
    let selected = 0;
    for (let round = 0; round < 3000; round++) {
      const glob = () =>
        `${chance.pick(["", "/r/"])}${Array.from({ length: 1 + chance.below(3) }, () => chance.pick(globs)).join("/")}`;
      const some = selection([glob(), glob()], chance.below(2) ? [glob()] : [], "/r");
      const path = `/r/${Array.from({ length: 1 + chance.below(4) }, () => chance.pick(parts)).join("/")}`;
      if (!some(path)) continue;
      selected++;
      for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
        expect(some.mayContain(path.slice(0, end)), `${path.slice(0, end)} of ${path}`).toBe(true);
      }
    }
    expect(selected).toBeGreaterThan(500);
  });
});
