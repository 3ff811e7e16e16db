import type { DescribedInput } from "./described-inputs.ts";

/** JSON, as schemas are written in it. */
export type JsonSchema = { readonly [key: string]: unknown };

/** `${NAME}` anywhere in the text, or a secret reference as the whole of it. */
const FILLED_IN = "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}|^\\s*\\{\\{secrets/[^/{}]+/[^/{}]+\\}\\}\\s*$";

export const DURATION = "^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d|w)\\s*$";
const PERCENT = "^\\s*((100(\\.0+)?|\\d{1,2}(\\.\\d+)?)\\s*%|0|1|0?\\.\\d+)\\s*$";
const SHARD = "^\\s*[1-9]\\d*\\s*/\\s*[1-9]\\d*\\s*$";

/** What YAML may hold for an input. A quoted number, and which part of how many, are checked further when it is read. */
export function valueSchema(input: DescribedInput): JsonSchema {
  return { description: description(input), ...allowed(input), ...defaultOf(input), ...exampleOf(input) };
}

/** What YAML may hold for a setting of a connection: the same, or something that is filled in when it is opened. */
export function settingSchema(setting: DescribedInput): JsonSchema {
  const own = allowed(setting);
  const value =
    setting.kind === "text" || setting.kind === "secret"
      ? own
      : { anyOf: [own, { type: "string", pattern: FILLED_IN }] };
  return { description: description(setting), ...value, ...defaultOf(setting), ...exampleOf(setting) };
}

function allowed(input: DescribedInput): JsonSchema {
  switch (input.kind) {
    case "text":
      return { type: "string", pattern: "\\S" };
    case "secret":
      return { type: "string", minLength: 1 };
    case "choice":
      return { enum: input.choices };
    case "toggle":
      return { enum: [true, false, "true", "false"] };
    case "list":
      return { anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }] };
    case "whole":
      return {
        anyOf: [
          {
            type: "integer",
            minimum: input.min ?? 0,
            ...(input.max === undefined ? {} : { maximum: input.max }),
          },
          { type: "string", pattern: "^\\s*\\d+\\s*$" },
        ],
      };
    case "percent":
      return {
        anyOf: [
          { type: "number", minimum: 0, maximum: 1 },
          { type: "string", pattern: PERCENT },
        ],
      };
    case "duration":
      return { type: "string", pattern: DURATION };
    case "shard":
      return { type: "string", pattern: SHARD };
  }
}

function defaultOf({ kind, default: word }: DescribedInput): JsonSchema {
  if (word === undefined) return {};
  if (kind === "toggle") return { default: word === "true" };
  if (kind === "whole") return { default: Number(word) };
  if (kind === "list") return { default: word === "" ? [] : word.split(",") };
  return { default: word };
}

function exampleOf({ example, kind }: DescribedInput): JsonSchema {
  if (example === undefined) return {};
  return { examples: [kind === "whole" ? Number(example) : kind === "list" ? example.split(",") : example] };
}

function description({ help, advanced }: DescribedInput): string {
  const sentence = /[.!?]$/.test(help) ? help : `${help}.`;
  return advanced ? `${sentence} (Rarely needed.)` : sentence;
}
