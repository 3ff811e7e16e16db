/** What commits and tags of a backup say for programs, as trailers after the text for people. */
export interface Trailers {
  /** The run that wrote it. */
  readonly run?: string;
  /** Which backup it belongs to. */
  readonly backup?: string;
  /** The head of the target branch that the working branch was begun on. */
  readonly begunOn?: string;
  readonly objects?: number;
  readonly bytes?: number;
  readonly failed?: number;
  /** The target branch, of which a backup can have several. */
  readonly branch?: string;
  readonly shard?: string;
  readonly finishedAt?: string;
}

const KEYS: Readonly<Record<keyof Trailers, string>> = {
  run: "Lakeferry-Run",
  backup: "Lakeferry-Backup",
  begunOn: "Lakeferry-Begun-On",
  objects: "Lakeferry-Objects",
  bytes: "Lakeferry-Bytes",
  failed: "Lakeferry-Failed",
  branch: "Lakeferry-Branch",
  shard: "Lakeferry-Shard",
  finishedAt: "Lakeferry-Finished-At",
};

const NUMBERS: ReadonlySet<string> = new Set(["objects", "bytes", "failed"]);

/** A message with its trailers. */
export function withTrailers(text: string, trailers: Trailers): string {
  const lines = Object.entries(KEYS).flatMap(([key, name]) => {
    const value = trailers[key as keyof Trailers];
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return `${text.trimEnd()}\n\n${lines.join("\n")}\n`;
}

export function trailersOf(message: string): Trailers {
  const found: Record<string, string | number> = {};
  for (const [key, name] of Object.entries(KEYS)) {
    const value = new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1];
    if (value !== undefined) found[key] = NUMBERS.has(key) ? Number(value) : value;
  }
  return found as Trailers;
}
