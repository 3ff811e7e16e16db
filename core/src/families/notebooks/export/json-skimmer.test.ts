import { describe, expect, test } from "vitest";
import { seeded } from "../seeded.test-support.ts";
import { JsonSkimmer } from "./json-skimmer.ts";

/** What `JSON.parse` gives of the fields `a` and `bc`, read by skimming. */
function skim(text: string): unknown {
  const skimmer = new JsonSkimmer(Buffer.from(text));
  const read: Record<string, unknown> = {};
  skimmer.object(["a", "bc"], (name) => {
    read[name] = skimmer.value();
  });
  skimmer.end();
  return read;
}

describe("JsonSkimmer", () => {
  test("reads the named fields as JSON.parse does, whatever stands around them", () => {
    const chance = seeded(5);
    const value = (depth: number): unknown => {
      const kind = chance.below(depth > 3 ? 4 : 6);
      if (kind === 0) return chance.pick([null, true, false, 0, -1.5e-7, 12345678901234]);
      if (kind < 4) return chance.text(['"', "\\", "{", "}", "]", ",", "é🦆", "\n", "a", "\ud800"], 6);
      const items = Array.from({ length: chance.below(4) }, () => value(depth + 1));
      return kind === 4
        ? items
        : Object.fromEntries(items.map((item, n) => [chance.pick(["a", "bc", `k${n}`, 'q"']), item]));
    };
    let fields = 0;
    for (let round = 0; round < 2000; round++) {
      const object = Object.fromEntries(
        ["a", "x", "bc", 'a"', "\\"].filter(() => chance.below(3) > 0).map((name) => [name, value(0)]),
      );
      const { a, bc } = object;
      const expected = JSON.parse(JSON.stringify({ a, bc }));
      fields += Object.keys(expected).length;
      expect(skim(JSON.stringify(object, null, chance.below(3)))).toEqual(expected);
    }
    expect(fields).toBeGreaterThan(1000);
  });

  test("knows a name by its meaning, and the last of two wins", () => {
    expect(skim('{"\\u0061": 1, "bc": 2, "bc" : [3]}')).toEqual({ a: 1, bc: [3] });
    expect(skim(" {} \n")).toEqual({});
  });

  test("throws for every cut of a text, and for what cannot be", () => {
    const text = '{"x": [1, {"y": "z"}], "a": "\\"b", "bc": -1.5e3}';
    expect(skim(text)).toEqual({ a: '"b', bc: -1500 });
    for (let length = 0; length < text.length; length++)
      expect(() => skim(text.slice(0, length)), String(length)).toThrow(SyntaxError);
    for (const wrong of [
      "[]",
      "{} {}",
      '{"a" 1}',
      '{"a": }',
      '{"x": }',
      '{"a": 1 "bc": 2}',
      '{"x": ]}',
      "{x: 1}",
      '{"a": tru}',
    ])
      expect(() => skim(wrong), wrong).toThrow(SyntaxError);
  });
});
