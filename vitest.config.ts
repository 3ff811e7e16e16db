import { defineConfig } from "vitest/config";

/** Two workers: the tests start servers and children of their own, and two cores is what a CI runner has. */
export default defineConfig({
  test: {
    include: ["core/src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
