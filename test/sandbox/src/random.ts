/** A seeded stream of random numbers: the same seed gives the same numbers on every machine and in every run. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, n). */
  below(n: number): number;
  /** An element of a non-empty list. */
  pick<T>(list: readonly T[]): T;
  /** A value of the log-normal distribution with this median and sigma. */
  logNormal(median: number, sigma: number): number;
}

/** The generator sfc32, seeded by a string or a number. */
export function random(seed: string | number): Random {
  let a = hash32(`a${seed}`);
  let b = hash32(`b${seed}`);
  let c = hash32(`c${seed}`);
  let d = 1;
  const next32 = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next32();
  const next = () => next32() / 0x1_0000_0000;
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)]!,
    logNormal: (median, sigma) => {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(sigma * normal);
    },
  };
}

/** The FNV-1a hash of a text's UTF-16 units, finished by murmur's mixer: unsigned 32 bits. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The first `n` of a list after a seeded shuffle; the list itself is left alone. */
export function sample<T>(list: readonly T[], n: number, source: Random): T[] {
  const copy = [...list];
  const size = Math.min(n, copy.length);
  for (let i = 0; i < size; i++) {
    const j = i + source.below(copy.length - i);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy.slice(0, size);
}
