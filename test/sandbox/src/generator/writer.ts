import { headerLine, type Language, spelling } from "../notebook/language.ts";
import { type Random, random } from "../random.ts";
import type { Content } from "../workspace/tree.ts";
import { FILLERS, STATEMENTS } from "./phrases.ts";

/** Filled statements kept per kind: enough that a notebook rarely repeats one, few enough to be made in a moment. */
const POOL = 2500;
const MEDIAN_BYTES = 3600;
/** The sigma that gives a mean of 1.5 times the median. */
const SIGMA = 0.9;
const MOST_BYTES = 300_000;

interface NotebookWish {
  bytes?: number;
  language?: Language | undefined;
}

/** Writes the contents of generated objects: each from the seed and the object's key alone, whatever was written before. */
export class Writer {
  readonly #seed: number | string;
  readonly #pools: Record<Language | "md", string[]>;

  constructor(seed: number | string) {
    this.#seed = seed;
    const pool = (kind: Language | "md") => {
      const dice = random(`pool ${seed} ${kind}`);
      return Array.from({ length: POOL }, () => filled(dice.pick(STATEMENTS[kind]), dice));
    };
    this.#pools = {
      PYTHON: pool("PYTHON"),
      SQL: pool("SQL"),
      SCALA: pool("SCALA"),
      R: pool("R"),
      md: pool("md"),
    };
  }

  /** A notebook in the workspace's own source form; log-normal sizes around a median of 4 KB unless wished otherwise. */
  notebook(key: string, wish: NotebookWish = {}): Content {
    const dice = random(`${this.#seed} ${key}`);
    const drawn = languageOf(dice.next());
    const language = wish.language ?? drawn;
    const bytes = wish.bytes ?? Math.min(MOST_BYTES, Math.max(160, dice.logNormal(MEDIAN_BYTES, SIGMA)));
    const { comment } = spelling(language);
    const title = `# ${key.slice(key.lastIndexOf("/") + 1).replace(/[^ -~]/g, "")} ${dice.below(2 ** 32).toString(36)}`;
    const cells = [`${comment} MAGIC %md\n${comment} MAGIC ${title}`];
    let length = 80;
    while (length < bytes) {
      const cell = this.#cell(language, comment, dice);
      length += cell.length + 24;
      cells.push(cell);
    }
    const text = `${headerLine(language)}\n${cells.join(`\n\n${comment} COMMAND ----------\n\n`)}\n`;
    return { type: "NOTEBOOK", language, content: Buffer.from(text) };
  }

  /** A notebook around data that hardly compresses. */
  embedded(key: string, bytes: number): Content {
    const dice = random(`${this.#seed} ${key}`);
    const random32 = Uint32Array.from({ length: Math.floor((bytes * 3) / 16) }, () => dice.below(2 ** 32));
    const data = Buffer.from(random32.buffer)
      .toString("base64")
      .replaceAll(/.{100}/g, "$&\n");
    const text = `${headerLine("PYTHON")}\nMODEL = """\n${data}\n"""\n\n# COMMAND ----------\n\nload(MODEL)\n`;
    return { type: "NOTEBOOK", language: "PYTHON", content: Buffer.from(text) };
  }

  /** Comma-separated text for a FILE. */
  file(key: string, wished?: number): Buffer {
    const dice = random(`${this.#seed} ${key}`);
    const bytes = wished ?? Math.min(MOST_BYTES, dice.logNormal(1500, 1));
    const lines = ["id,site,value,note"];
    for (let length = 20; length < bytes; length += lines.at(-1)!.length + 1) {
      lines.push(
        `${lines.length},${dice.pick(FILLERS.w!)}-${dice.below(500)},${(dice.next() * 1000).toFixed(3)},${dice.pick(FILLERS.a!)}`,
      );
    }
    return Buffer.from(`${lines.join("\n")}\n`);
  }

  /** A dashboard definition. */
  dashboard(key: string): Buffer {
    const dice = random(`${this.#seed} ${key}`);
    const query = dice.pick(this.#pools.SQL);
    return Buffer.from(
      JSON.stringify({ datasets: [{ name: "main", query }], pages: [{ name: "page", layout: [] }] }, null, 2),
    );
  }

  #cell(language: Language, comment: string, dice: Random): string {
    const kind = dice.next();
    const title =
      dice.next() < 0.2 ? `${comment} DBTITLE 1,${dice.pick(FILLERS.a!)} ${dice.pick(FILLERS.w!)}\n` : "";
    if (kind < 0.25) return magic(comment, `%md\n${this.#lines("md", 1 + dice.below(7), dice)}`);
    if (kind < 0.33) {
      const other = language === "SQL" ? "PYTHON" : "SQL";
      return (
        title + magic(comment, `%${other.toLowerCase()}\n${this.#lines(other, 1 + dice.below(3), dice)}`)
      );
    }
    if (kind < 0.35) return magic(comment, `%run ./${dice.pick(FILLERS.f!)}_${dice.pick(FILLERS.t!)}`);
    return title + this.#lines(language, 2 + dice.below(9), dice);
  }

  #lines(kind: Language | "md", count: number, dice: Random): string {
    const pool = this.#pools[kind];
    let text = pool[dice.below(POOL)]!;
    for (let i = 1; i < count; i++) text += (dice.next() < 0.2 ? "\n\n" : "\n") + pool[dice.below(POOL)]!;
    return text;
  }
}

const languageOf = (x: number): Language =>
  x < 0.7 ? "PYTHON" : x < 0.85 ? "SQL" : x < 0.93 ? "SCALA" : "R";

const magic = (comment: string, command: string) =>
  `${comment} MAGIC ${command.replaceAll("\n", `\n${comment} MAGIC `)}`;

/** A statement with every `{x}` filled. */
function filled(statement: string, dice: Random): string {
  return statement.replace(/\{([a-z])\}/g, (whole, name: string) => {
    if (name === "n") return String(dice.below(dice.next() < 0.5 ? 12 : 5000));
    const words = FILLERS[name];
    return words ? dice.pick(words) : whole;
  });
}
