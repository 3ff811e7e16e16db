const shown = "***";

/**
 * A value that must not be seen: it prints, serialises and inspects as `***`.
 * Only a connector calls `reveal()`, at the moment the value goes into a request.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Secret(${shown})`;
  }
}
