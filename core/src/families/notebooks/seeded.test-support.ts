/** Chance for tests, the same in every run. */
export interface Seeded {
  /** 0 ≤ n < limit, whole. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
  /** `parts` in another order. */
  shuffle<T>(parts: readonly T[]): T[];
  /** Up to `most` of the parts, one after the other. */
  text(parts: readonly string[], most: number): string;
}

/** Mulberry32. */
export function seeded(seed: number): Seeded {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  return {
    below,
    pick,
    shuffle: (parts) => {
      const shuffled = [...parts];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
      }
      return shuffled;
    },
    text: (parts, most) => Array.from({ length: below(most + 1) }, () => pick(parts)).join(""),
  };
}
