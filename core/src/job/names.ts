/** `commitSize` → `commit-size`: the one function between code and flags, action inputs and `lakeferry.yml`. */
export function kebab(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `commit-size` → `commitSize`. */
export function camel(kebabCase: string): string {
  return kebabCase.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
