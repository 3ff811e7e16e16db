import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ErrorCode, LakeferryError } from "../job/errors.ts";
import type { RunEvent } from "../job/events.ts";
import { createPacer, type PacerOptions } from "./pacer.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const refused = (code: ErrorCode, more: { retryAfterMs?: number; retryable?: boolean } = {}) =>
  new LakeferryError(code, { code, ...more });

function paced(more: Partial<PacerOptions> = {}) {
  const events: RunEvent[] = [];
  const abort = new AbortController();
  const pacer = createPacer({
    signal: abort.signal,
    now: Date.now,
    random: () => 0.5,
    say: (event) => events.push(event),
    ...more,
  });
  return { pacer, events, abort };
}

/** A request that fails in the given ways, then answers; remembers when it was made. */
function request(...failures: LakeferryError[]) {
  const at: number[] = [];
  const start = Date.now();
  const make = async () => {
    at.push(Date.now() - start);
    const failure = failures[at.length - 1];
    if (failure) throw failure;
    return "answer";
  };
  return { make, at };
}

const settled = async <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  await vi.runAllTimersAsync();
  return promise;
};

describe("a throttled request", () => {
  test("waits as long as the other side asked, even one that is not idempotent", async () => {
    const { pacer, events } = paced();
    const { make, at } = request(refused("throttled", { retryAfterMs: 3_000 }));
    expect(await settled(pacer.call("import", make, { idempotent: false }))).toBe("answer");
    expect(at[0]).toBe(0);
    expect(at[1]).toBeGreaterThanOrEqual(3_000);
    expect(at[1]).toBeLessThan(5_000);
    expect(events).toEqual([
      expect.objectContaining({ type: "throttled", endpoint: "import", waitMs: 3_000 }),
    ]);
  });

  test("is given up after the patience, not after a count", async () => {
    const { pacer } = paced({ patienceMs: 10_000 });
    const { make, at } = request(
      ...Array.from({ length: 99 }, () => refused("throttled", { retryAfterMs: 1_000 })),
    );
    await expect(settled(pacer.call("export", make, { idempotent: true }))).rejects.toMatchObject({
      code: "throttled",
    });
    expect(at.length).toBe(11);
  });

  test("slows its endpoint to the published rate, and no other", async () => {
    const { pacer } = paced();
    pacer.publish("export", 10);
    const first = request(refused("throttled", { retryAfterMs: 1_000 }));
    await settled(pacer.call("export", first.make, { idempotent: true }));
    const start = Date.now();
    const times: number[] = [];
    const note = async () => {
      times.push(Date.now() - start);
    };
    await settled(
      Promise.all(Array.from({ length: 20 }, () => pacer.call("export", note, { idempotent: true }))),
    );
    expect(times.at(-1)).toBeGreaterThan(1_500);
    expect(times.at(-1)).toBeLessThan(3_000);
    times.length = 0;
    const before = Date.now();
    await settled(
      Promise.all(Array.from({ length: 20 }, () => pacer.call("list", note, { idempotent: true }))),
    );
    expect(Date.now()).toBe(before);
  });

  test("many at once are one cut", async () => {
    const { pacer, events } = paced();
    const all = Array.from({ length: 8 }, () => request(refused("throttled", { retryAfterMs: 1_000 })));
    await settled(Promise.all(all.map(({ make }) => pacer.call("export", make, { idempotent: true }))));
    expect(events.filter(({ type }) => type === "throttled").length).toBe(1);
  });
});

describe("a request that failed", () => {
  test("is made again with full jitter below a growing limit", async () => {
    const waits = (random: number) => {
      const { pacer, events } = paced({ random: () => random });
      const { make } = request(...Array.from({ length: 5 }, () => refused("unavailable")));
      return settled(pacer.call("list", make, { idempotent: true })).then(() =>
        events.map((event) => (event.type === "request-retried" ? event.waitMs : -1)),
      );
    };
    expect(await waits(1)).toEqual([250, 500, 1000, 2000, 4000]);
    expect(await waits(0)).toEqual([0, 0, 0, 0, 0]);
  });

  test("is given up after six tries with its own error", async () => {
    const { pacer } = paced();
    const { make, at } = request(...Array.from({ length: 9 }, () => refused("timeout")));
    await expect(settled(pacer.call("list", make, { idempotent: true }))).rejects.toMatchObject({
      code: "timeout",
    });
    expect(at.length).toBe(6);
  });

  test("waits no longer than its patience, and says what was asked for", async () => {
    for (const code of ["unavailable", "throttled"] as const) {
      const { pacer } = paced();
      const { make, at } = request(refused(code, { retryAfterMs: 86_400_000 }));
      await expect(settled(pacer.call("list", make, { idempotent: true }))).rejects.toMatchObject({
        code,
        message: `${code} It asks to wait 24 h.`,
        hint: expect.stringContaining("again"),
      });
      expect(at).toEqual([0]);
    }
  });

  test("is not made again when it is not idempotent, or can never succeed", async () => {
    for (const [code, idempotent] of [
      ["unavailable", false],
      ["timeout", false],
      ["not-found", true],
      ["forbidden", true],
    ] as const) {
      const { pacer, events } = paced();
      const { make, at } = request(refused(code));
      await expect(settled(pacer.call("x", make, { idempotent }))).rejects.toMatchObject({ code });
      expect([at.length, events.length]).toEqual([1, 0]);
    }
  });
});

test("an abort ends a wait at once, leaves no timer and begins nothing more", async () => {
  const { pacer, abort } = paced();
  const { make, at } = request(refused("throttled", { retryAfterMs: 60_000 }));
  const call = pacer.call("export", make, { idempotent: true });
  call.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(10);
  abort.abort(new Error("SIGINT"));
  await expect(call).rejects.toMatchObject({ code: "cancelled" });
  expect(vi.getTimerCount()).toBe(0);
  await expect(pacer.call("export", make, { idempotent: true })).rejects.toBeDefined();
  expect(at.length).toBe(1);
});
