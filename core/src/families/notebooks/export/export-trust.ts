import type { Language } from "../../../connectors/databricks/port.ts";
import type { BlankLines } from "./dbc.ts";

const SAMPLES_OF_A_KIND = 3;
const SAMPLE_EVERY = 50;

interface Sampled {
  readonly type: string;
  readonly language?: Language;
}

/** What is proven together: notebooks of a language, files, dashboards. */
function kindOf({ type, language }: Sampled): string {
  return language ?? type;
}

/**
 * What a run has learnt about folder exports. Public sources disagree on what they contain, so an archive is believed
 * only when samples of it, exported one by one, are the same bytes; and samples go on for the whole run.
 */
export class ExportTrust {
  readonly #proven = new Map<string, number>();
  #archives = 0;
  #broken: string | undefined;
  #blankLines: BlankLines | undefined;

  /** How this workspace writes empty lines of magic cells; "spaced" until a sample told. */
  get blankLines(): BlankLines {
    return this.#blankLines ?? "spaced";
  }

  get blankLinesKnown(): boolean {
    return this.#blankLines !== undefined;
  }

  blankLinesAre(form: BlankLines): void {
    this.#blankLines = form;
  }

  /** Why archives are no longer used, or undefined while they are. */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** Which of an archive's objects to export one by one as well; `isThere` says whether the archive gives an object. */
  samples<T extends Sampled>(objects: readonly T[], isThere: (object: T) => boolean): readonly T[] {
    const chosen: T[] = [];
    const wanted = new Map<string, number>();
    for (const object of objects) {
      const kind = kindOf(object);
      const open = wanted.get(kind) ?? SAMPLES_OF_A_KIND - (this.#proven.get(kind) ?? 0);
      if (open <= 0 || !isThere(object)) continue;
      wanted.set(kind, open - 1);
      chosen.push(object);
    }
    this.#archives += 1;
    const turn = objects[this.#archives % objects.length];
    if (chosen.length === 0 && this.#archives % SAMPLE_EVERY === 0 && turn && isThere(turn))
      chosen.push(turn);
    return chosen;
  }

  proven(object: Sampled): void {
    const kind = kindOf(object);
    this.#proven.set(kind, (this.#proven.get(kind) ?? 0) + 1);
  }

  /** Whether at least one object of its kind was found equal. */
  isProven(object: Sampled): boolean {
    return (this.#proven.get(kindOf(object)) ?? 0) > 0;
  }

  /** A sample differed: no archive is used from here on, and what archives gave so far is exported again. */
  disproved(path: string): void {
    this.#broken ??= path;
  }
}
