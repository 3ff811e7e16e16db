import { describe, expect, test } from "vitest";
import { choice, duration, list, parseDuration, percent, shard, splitList, toggle, whole } from "./inputs.ts";

const help = { help: "help" };
const good = (schema: { safeParse(value: unknown): { success: boolean; data?: unknown } }, value: unknown) =>
  schema.safeParse(value).data;
const bad = (schema: { safeParse(value: unknown): { success: boolean } }, ...values: unknown[]) => {
  for (const value of values) expect(schema.safeParse(value).success, JSON.stringify(value)).toBe(false);
};

test("a percentage is a share, as text or number", () => {
  const schema = percent({ ...help, default: "100%" });
  for (const [given, share] of [
    ["5%", 0.05],
    [" 100% ", 1],
    ["0%", 0],
    ["0.25", 0.25],
    [0.5, 0.5],
    [undefined, 1],
  ] as const)
    expect(good(schema, given)).toBeCloseTo(share);
  bad(schema, "101%", "5 percent", "-1%", 2, "%x");
});

test("an empty percentage is none", () => {
  bad(percent({ ...help, default: "100%" }), "%", "");
});

test("a duration is in milliseconds", () => {
  expect(["250ms", "90s", "5m", "26h", "30d", "1.5h", "2w", "1 d"].map(parseDuration)).toEqual([
    250, 90_000, 300_000, 93_600_000, 2_592_000_000, 5_400_000, 1_209_600_000, 86_400_000,
  ]);
  expect(["26", "h", "1 month", "-1h", ""].map(parseDuration)).toEqual(Array(5).fill(undefined));
  bad(duration({ ...help, default: "7d" }), "soon", 5);
});

test("a shard is one of several", () => {
  const schema = shard({ ...help, most: 256 });
  expect(good(schema, "2/8")).toEqual({ index: 2, of: 8 });
  expect(good(schema, " 8 / 8 ")).toEqual({ index: 8, of: 8 });
  expect(good(schema, undefined)).toBeUndefined();
  bad(schema, "0/8", "9/8", "1/257", "1", "1/0", "a/b", "1/2/3");
});

describe("a list", () => {
  test("is parted at commas and line ends, but not inside the braces of a glob", () => {
    expect(splitList("a, b,\n c ,,")).toEqual(["a", "b", "c"]);
    expect(splitList("**/{a,b}*, c/{d,{e,f}}")).toEqual(["**/{a,b}*", "c/{d,{e,f}}"]);
    expect(splitList("}a,b{\nc,d")).toEqual(["}a", "b{", "c", "d"]);
    expect(splitList("")).toEqual([]);
  });
  test("comes as YAML's list or as text", () => {
    const schema = list(help);
    expect(good(schema, ["a,b", "c"])).toEqual(["a,b", "c"]);
    expect(good(schema, "a,b")).toEqual(["a", "b"]);
    expect(good(schema, undefined)).toEqual([]);
    bad(schema, 5, [5]);
  });
});

test("whole numbers, words and switches", () => {
  const number = whole({ ...help, default: "3", min: 1, max: 9 });
  expect([good(number, "7"), good(number, 7), good(number, undefined)]).toEqual([7, 7, 3]);
  bad(number, "0", 10, "1.5", "seven");
  const on = toggle(help);
  expect([good(on, "true"), good(on, false), good(on, undefined)]).toEqual([true, false, false]);
  bad(on, "yes", 1);
  const word = choice(["a", "b"], { ...help, default: "a" });
  expect([good(word, "b"), good(word, undefined)]).toEqual(["b", "a"]);
  bad(word, "c", "A");
});
