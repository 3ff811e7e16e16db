const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/**
 * Reads some fields of a JSON text and skips the others without building them: archived notebooks carry forty fields a
 * cell, and results of megabytes, of which a backup wants three. What is skipped is not checked beyond its ends; a
 * broken text throws a `SyntaxError`.
 */
export class JsonSkimmer {
  readonly #bytes: Buffer;
  #at = 0;

  /** @param bytes in UTF-8 */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Whether the next value is an array. */
  isArray(): boolean {
    return this.#next() === 0x5b;
  }

  /** Visits the fields whose names are in `names` (ASCII), in their order; `visit` must read or skip the value. */
  object(names: readonly string[], visit: (name: string) => void): void {
    this.#members(0x7b, 0x7d, () => {
      const name = this.#name(names);
      this.#expect(0x3a);
      if (name === undefined) this.skip();
      else visit(name);
    });
  }

  /** Visits every element; `visit` must read or skip it. */
  array(visit: () => void): void {
    this.#members(0x5b, 0x5d, visit);
  }

  /** The next value as `JSON.parse` gives it. */
  value(): unknown {
    this.#next();
    const start = this.#at;
    this.skip();
    // Most titles are empty: a short cut, as calls out of JavaScript are dear.
    if (this.#at === start + 2 && this.#bytes[start] === QUOTE) return "";
    return JSON.parse(this.#bytes.toString("utf8", start, this.#at));
  }

  skip(): void {
    const bytes = this.#bytes;
    let depth = 0;
    do {
      const byte = this.#next();
      if (byte === QUOTE) this.#skipString();
      else if (byte === 0x7b || byte === 0x5b) {
        depth += 1;
        this.#at += 1;
      } else if (byte === 0x7d || byte === 0x5d) {
        depth -= 1;
        this.#at += 1;
      } else if (depth > 0 && (byte === 0x2c || byte === 0x3a)) this.#at += 1;
      else if (!isScalar(byte)) throw this.#broken();
      else while (isScalar(bytes[this.#at])) this.#at += 1;
    } while (depth > 0);
    if (depth < 0) throw this.#broken();
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (this.#next() !== undefined) throw this.#broken();
  }

  #members(open: number, close: number, member: () => void): void {
    this.#expect(open);
    if (this.#next() === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      member();
      const byte = this.#next();
      this.#at += 1;
      if (byte === close) return;
      if (byte !== 0x2c) throw this.#broken();
    }
  }

  /** The field's name when it is one of `names`. */
  #name(names: readonly string[]): string | undefined {
    if (this.#next() !== QUOTE) throw this.#broken();
    const start = this.#at;
    const isEscaped = this.#skipString();
    const length = this.#at - start - 2;
    if (isEscaped) {
      const written = JSON.parse(this.#bytes.toString("utf8", start, this.#at));
      return names.find((name) => name === written);
    }
    for (const name of names) if (name.length === length && this.#isAt(start + 1, name)) return name;
    return undefined;
  }

  #isAt(start: number, name: string): boolean {
    for (let index = 0; index < name.length; index++)
      if (this.#bytes[start + index] !== name.charCodeAt(index)) return false;
    return true;
  }

  /** True: there are escapes in it. */
  #skipString(): boolean {
    const bytes = this.#bytes;
    let isEscaped = false;
    let at = this.#at + 1;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
      if (byte === undefined) throw this.#broken();
      if (byte === BACKSLASH) {
        isEscaped = true;
        at += 1;
      }
      at += 1;
    }
    this.#at = at + 1;
    return isEscaped;
  }

  #expect(wanted: number): void {
    if (this.#next() !== wanted) throw this.#broken();
    this.#at += 1;
  }

  /** The byte after white space; undefined at the end. */
  #next(): number | undefined {
    const bytes = this.#bytes;
    let byte = bytes[this.#at];
    while (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.#at];
    return byte;
  }

  #broken(): SyntaxError {
    return new SyntaxError(`JSON breaks off or goes wrong at byte ${this.#at} of ${this.#bytes.length}`);
  }
}

/** A byte of a number, `true`, `false` or `null`. */
function isScalar(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  );
}
