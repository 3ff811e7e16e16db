import { z } from "zod";
import { Secret } from "./secret.ts";

/** What a host must know to show, parse and document an input. */
export interface InputFacts {
  readonly kind:
    | "text"
    | "choice"
    | "toggle"
    | "whole"
    | "list"
    | "percent"
    | "duration"
    | "shard"
    | "secret";
  readonly help: string;
  readonly example?: string;
  /** Rarely needed: shown in a group of its own. */
  readonly advanced?: boolean;
  readonly choices?: readonly string[];
  /** The smallest and the largest whole number. */
  readonly min?: number;
  readonly max?: number;
  /** The default as a user would write it; absent when the input is required or simply off. */
  readonly default?: string;
  readonly required?: boolean;
}

export type InputShape = Readonly<Record<string, z.ZodType>>;
export type InputValues<I extends InputShape> = z.output<z.ZodObject<{ -readonly [K in keyof I]: I[K] }>>;

interface Said {
  readonly help: string;
  readonly example?: string;
  readonly advanced?: boolean;
}

const facts = new WeakMap<z.ZodType, InputFacts>();

function told<T extends z.ZodType>(schema: T, said: InputFacts): T {
  facts.set(schema, said);
  return schema;
}

/** The facts of an input made by one of the functions below. */
export function inputFacts(schema: z.ZodType): InputFacts {
  const found = facts.get(schema);
  if (!found) throw new TypeError("an input is made by text(), choice(), toggle(), … of job/inputs");
  return found;
}

type Optional<T extends z.ZodType, O> = O extends { default: unknown }
  ? z.ZodType<z.output<T>>
  : O extends { required: true }
    ? T
    : z.ZodType<z.output<T> | undefined>;

function made<T extends z.ZodType, O extends Said & { default?: string; required?: true }>(
  schema: T,
  kind: InputFacts["kind"],
  options: O,
  more: Partial<InputFacts> = {},
): Optional<T, O> {
  const full =
    options.default !== undefined
      ? schema.prefault(options.default as never)
      : options.required
        ? schema
        : schema.optional();
  return told(full as unknown as z.ZodType, { kind, ...options, ...more }) as Optional<T, O>;
}

type Options = Said & { readonly default?: string; readonly required?: true };

/** A line of text. */
export function text<const O extends Options>(options: O): Optional<z.ZodString, O> {
  return made(z.string().trim().min(1, "must not be empty"), "text", options);
}

/** A value that must not be shown. */
export function secret<const O extends Options>(options: O): Optional<z.ZodType<Secret>, O> {
  const hidden = z
    .string()
    .min(1, "must not be empty")
    .transform((value) => new Secret(value));
  return made(hidden as unknown as z.ZodType<Secret>, "secret", options);
}

/** One of a few words. */
export function choice<const V extends readonly [string, ...string[]], const O extends Options>(
  values: V,
  options: O,
): Optional<z.ZodType<V[number]>, O> {
  return made(z.enum(values) as unknown as z.ZodType<V[number]>, "choice", options, { choices: values });
}

/** On or off; CI hosts hand over the words `true` and `false`. */
export function toggle(options: Said & { readonly default?: "true" | "false" }): z.ZodType<boolean> {
  const words = z.union([
    z.boolean(),
    z.enum(["true", "false"], { error: "expected true or false" }).transform((word) => word === "true"),
  ]);
  return made(words, "toggle", { default: "false", ...options }) as z.ZodType<boolean>;
}

/** A whole number. */
export function whole<const O extends Options & { readonly min?: number; readonly max?: number }>(
  options: O,
): Optional<z.ZodType<number>, O> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, ...said } = options;
  const digits = z
    .string()
    .regex(/^\s*\d+\s*$/, "expected a whole number")
    .transform(Number);
  const number = z
    .union([z.number(), digits], { error: "expected a whole number" })
    .pipe(z.number().int("expected a whole number").min(min).max(max));
  const ends = max === Number.MAX_SAFE_INTEGER ? { min } : { min, max };
  return made(number as unknown as z.ZodType<number>, "whole", said as unknown as O, ends);
}

/** Several values: a YAML list, or text separated by commas or line ends. */
export function list(options: Said & { readonly default?: string }): z.ZodType<readonly string[]> {
  const split = z.string().transform(splitList);
  return made(z.union([z.array(z.string()), split]), "list", { default: "", ...options }) as z.ZodType<
    readonly string[]
  >;
}

/** `a, {b,c}/d` → `a` and `{b,c}/d`: commas and line ends part values, but for those inside the braces of a glob. */
export function splitList(all: string): string[] {
  const values = [""];
  let depth = 0;
  for (const sign of all) {
    if (sign === "{") depth += 1;
    if (sign === "}" && depth > 0) depth -= 1;
    if (sign === "\n") depth = 0;
    if (sign === "\n" || (sign === "," && depth === 0)) values.push("");
    else values.push(values.pop() + sign);
  }
  return values.map((one) => one.trim()).filter((one) => one !== "");
}

/** A share between 0 and 1, written `5%` (or `0.05`). */
export function percent<const O extends Options>(options: O): Optional<z.ZodType<number>, O> {
  const share = z
    .union([z.string(), z.number()])
    .transform((word) => {
      const [, digits, sign] = /^\s*([\d.]+)\s*(%?)\s*$/.exec(String(word)) ?? [];
      return Number(digits) / (sign ? 100 : 1);
    })
    .pipe(z.number({ error: "expected a percentage, such as 5%" }).min(0).max(1, "expected at most 100%"));
  return made(share as unknown as z.ZodType<number>, "percent", options);
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a duration such as `90s`, `26h` or `30d`; undefined when it is not one. */
export function parseDuration(word: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(word.trim());
  return match ? Number(match[1]) * unitMs[match[2]!]! : undefined;
}

/** A length of time, written `90s`, `26h` or `30d`; its value is in milliseconds. */
export function duration<const O extends Options>(options: O): Optional<z.ZodType<number>, O> {
  const time = z.string().transform((word, context) => {
    const ms = parseDuration(word);
    if (ms === undefined)
      context.addIssue({ code: "custom", message: "expected a duration, such as 90s, 26h or 30d" });
    return ms ?? 0;
  });
  return made(time as unknown as z.ZodType<number>, "duration", options);
}

export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** One part of a run that several runners share, written `2/8`. */
export function shard(options: Said & { readonly most: number }): z.ZodType<Shard | undefined> {
  const { most, ...said } = options;
  const part = z.string().transform((word, context): Shard => {
    const match = /^(\d+)\s*\/\s*(\d+)$/.exec(word.trim());
    const [index, of] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
    if (index < 1 || index > of || of > most)
      context.addIssue({ code: "custom", message: `expected a part such as 2/8, of at most ${most}` });
    return { index, of };
  });
  return made(part, "shard", said) as z.ZodType<Shard | undefined>;
}
