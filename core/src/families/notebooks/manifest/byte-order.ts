/**
 * Plain byte order of the UTF-8 forms, without making them. It differs from `<` on strings for characters outside
 * the BMP, whose surrogates sort below U+E000 in UTF-16.
 */
export function byteOrder(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return aboveSurrogates(left) - aboveSurrogates(right);
  }
  return a.length - b.length;
}

/** The code unit, moved so that surrogates come after everything else. */
function aboveSurrogates(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
