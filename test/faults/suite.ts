/** One fault and what must come of it. Rejects when it does not; answers a few words about what happened. */
export interface FaultTest {
  readonly name: string;
  run(): Promise<string>;
}

export interface SuiteResult {
  readonly passed: number;
  readonly failed: readonly string[];
}

/** Runs tests one after the other and says how each went. */
export async function runTests(
  tests: readonly FaultTest[],
  say: (line: string) => void,
): Promise<SuiteResult> {
  let passed = 0;
  const failed: string[] = [];
  for (const { name, run } of tests) {
    const started = performance.now();
    const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
    try {
      const what = await run();
      passed += 1;
      say(`✓ ${name} · ${what} · ${seconds()}`);
    } catch (error) {
      failed.push(name);
      say(`✗ ${name} · ${seconds()}\n    ${(error as Error).message.replaceAll("\n", "\n    ")}`);
    }
  }
  return { passed, failed };
}

/** Fails a test. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
