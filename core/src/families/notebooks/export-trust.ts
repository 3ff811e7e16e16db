import type { Language } from "../../connectors/databricks/port.ts";
import type { BlankLines } from "./dbc.ts";

const SAMPLES_OF_A_LANGUAGE = 3;
const SAMPLE_EVERY = 50;

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

  /** Which of an archive's notebooks to export one by one as well. */
  samples<T extends { readonly language?: Language }>(notebooks: readonly T[]): readonly T[] {
    const chosen: T[] = [];
    const wanted = new Map<string, number>();
    for (const notebook of notebooks) {
      const language = notebook.language ?? "none";
      const open = wanted.get(language) ?? SAMPLES_OF_A_LANGUAGE - (this.#proven.get(language) ?? 0);
      if (open <= 0) continue;
      wanted.set(language, open - 1);
      chosen.push(notebook);
    }
    this.#archives += 1;
    if (chosen.length === 0 && this.#archives % SAMPLE_EVERY === 0 && notebooks.length > 0)
      chosen.push(notebooks[this.#archives % notebooks.length]!);
    return chosen;
  }

  proven(language: Language | undefined): void {
    const key = language ?? "none";
    this.#proven.set(key, (this.#proven.get(key) ?? 0) + 1);
  }

  /** A sample differed: no archive is used from here on, and what archives gave so far is exported again. */
  disproved(path: string): void {
    this.#broken ??= path;
  }
}
