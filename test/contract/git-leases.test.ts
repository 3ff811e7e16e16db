import { spawn } from "node:child_process";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Opened } from "../../core/src/job/connections.ts";
import { cleanUp, holder, open, places } from "./git-places.ts";
import type { ServedRepository } from "./git-server.ts";

afterAll(cleanUp);

describe.each(places)("leases of a repository $name", (place) => {
  let url: string;
  let served: ServedRepository;
  let c: Opened<"git">;
  let again: (now?: () => number, signal?: AbortSignal) => Promise<Opened<"git">>;
  beforeEach(async () => {
    const made = await place.make();
    url = made.url;
    served = made.served!;
    again = (now, signal) =>
      open(url, { settings: made.settings ?? {}, ...(now && { now }), ...(signal && { signal }) });
    c = await again();
  });
  afterAll(() => place.end());

  test("of two who ask for a lease at once, one gets it", async () => {
    const two = await again();
    const options = { ttlMs: 60_000, takeOver: false };
    const asked = await Promise.allSettled([
      c.write.leases.acquire("main", holder("r1"), options),
      two.write.leases.acquire("main", holder("r2"), options),
    ]);
    const [lease] = asked.filter((one) => one.status === "fulfilled");
    const [error] = asked.filter((one) => one.status === "rejected");
    expect(error!.reason).toMatchObject({
      code: "lease-held",
      message: expect.stringMatching(/run r[12] on .* until /),
    });
    await lease!.value.renew();
    expect(await lease!.value.release()).toBe(true);
    expect(await lease!.value.release()).toBe(true);
    expect(await c.read.refs()).toEqual([]);
    const next = await two.write.leases.acquire("main", holder("r2"), options);
    expect(await next.release()).toBe(true);
  });

  test("a lease passes on when its holder is dead, late, or pushed aside", async () => {
    let now = Date.now();
    const late = await again(() => now);
    const options = { ttlMs: 60_000, takeOver: false };
    const gone = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => gone.on("close", resolve));
    await c.write.leases.acquire("k/ä", holder("dead", { pid: gone.pid! }), options);
    const first = await late.write.leases.acquire("k/ä", holder("first"), options);
    const second = () => late.write.leases.acquire("k/ä", holder("second"), options);
    await expect(second()).rejects.toMatchObject({ code: "lease-held" });
    now += 60_000 + 14_000;
    await expect(second()).rejects.toMatchObject({ code: "lease-held" });
    now += 2000;
    const lease = await second();
    await expect(first.renew()).rejects.toMatchObject({ code: "lease-held" });
    const third = await late.write.leases.acquire("k/ä", holder("third"), { ...options, takeOver: true });
    await expect(lease.renew()).rejects.toMatchObject({ code: "lease-held" });
    expect(await lease.release()).toBe(false);
    expect(await third.release()).toBe(true);
  });

  test("shards of one run share a lease; the last one out gives it back", async () => {
    const two = await again();
    const options = { ttlMs: 60_000, takeOver: false };
    const [a, b] = await Promise.all([
      c.write.leases.acquire("main", holder("s1", { group: "g", shard: "1/2" }), options),
      two.write.leases.acquire("main", holder("s2", { group: "g", shard: "2/2" }), options),
    ]);
    await expect(c.write.leases.acquire("main", holder("other"), options)).rejects.toMatchObject({
      code: "lease-held",
    });
    // The same shard of another night is another run on the same part.
    const tonight = holder("s3", { group: "g", shard: "1/2" });
    await expect(c.write.leases.acquire("main", tonight, options)).rejects.toMatchObject({
      code: "lease-held",
      message: expect.stringContaining("s1 (shard 1/2)"),
    });
    await Promise.all([a.renew(), b.renew()]);
    const last = await Promise.all([a.release(), b.release()]);
    expect(last.filter(Boolean)).toHaveLength(1);
    expect(await c.read.refs()).toEqual([]);
  });

  test("a cancelled run does what is to be done last and gives its lease back in time", async () => {
    const abort = new AbortController();
    const one = await again(undefined, abort.signal);
    const lease = await one.write.leases.acquire("main", holder("r1"), { ttlMs: 60_000, takeOver: false });
    abort.abort(new Error("SIGINT"));
    let done = 0;
    const at = Date.now();
    expect(
      await lease.release(async () => {
        done += 1;
      }),
    ).toBe(true);
    expect(Date.now() - at).toBeLessThan(5_000);
    expect(done).toBe(1);
    expect(await c.read.refs()).toEqual([]);
  });

  test("keeps leases below refs/heads where nothing else is allowed", async () => {
    await served.hook("update", 'case "$1" in refs/heads/*) ;; *) exit 1;; esac');
    served.git("config", "receive.denyNonFastForwards", "true");
    const options = { ttlMs: 60_000, takeOver: false };
    const lease = await c.write.leases.acquire("main", holder("r1"), options);
    expect((await c.read.refs()).map((ref) => ref.name)).toEqual(["refs/heads/lakeferry-lease/main"]);
    await expect((await again()).write.leases.acquire("main", holder("r2"), options)).rejects.toMatchObject({
      code: "lease-held",
    });
    await lease.renew();
    expect(await lease.release()).toBe(true);
  });
});
