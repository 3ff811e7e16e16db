import { expect, test } from "vitest";
import { type BackupDescription, decodeDescription, encodeDescription } from "./backup-description.ts";

const description: BackupDescription = {
  version: 1,
  root: "/Clients",
  format: "SOURCE",
  host: "https://adb-1.2.azuredatabricks.net",
  include: ["/Clients/2025/**"],
  exclude: [],
};

test("a description comes back as it was", () => {
  expect(decodeDescription(encodeDescription(description))).toEqual(description);
  const { version: _, ...rest } = description;
  expect(encodeDescription({ ...rest, version: 1 }).equals(encodeDescription(description))).toBe(true);
});

test("another version is named, whatever else is in it", () => {
  expect(() => decodeDescription(Buffer.from('{"version": 2, "new": true}'))).toThrow(
    expect.objectContaining({ code: "not-supported", message: expect.stringContaining("version 2") }),
  );
});

test.each(["", "null", "[]", "{}", '{"version": "1"}', JSON.stringify({ ...description, root: "Clients" })])(
  "%j is no description",
  (text) => {
    expect(() => decodeDescription(Buffer.from(text), "b/backup.json")).toThrow(
      expect.objectContaining({ code: "corrupt", message: expect.stringContaining("b/backup.json") }),
    );
  },
);
