import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { type Exchange, Transport } from "../../core/src/connectors/databricks/transport.ts";
import { cleanUp, failure, later, serving } from "./databricks-fixtures.ts";

afterEach(cleanUp);

const MIB = 1024 * 1024;

async function transport(): Promise<Transport> {
  const one = await Transport.open({ connections: 4, env: {} });
  later(() => one.close());
  return one;
}

function exchange(origin: string, more: Partial<Exchange> = {}): Exchange {
  const signal = new AbortController().signal;
  return { what: "test", origin, method: "GET", path: "/", headers: {}, signal, ...more };
}

describe("streams", () => {
  it("uploads a fresh stream per attempt, with its length", async () => {
    const lengths: unknown[] = [];
    const host = await serving((request, response) => {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on("end", () => {
        lengths.push([request.headers["content-length"], request.headers["transfer-encoding"], bytes]);
        response.end();
      });
    });
    let opened = 0;
    const body = {
      length: 3 * MIB,
      open: () => {
        opened++;
        return Readable.from(Array.from({ length: 3 }, () => Buffer.alloc(MIB)));
      },
    };
    const one = await transport();
    for (const _ of [1, 2]) await one.send(exchange(host, { method: "PUT", body }));
    expect(opened).toBe(2);
    expect(lengths).toEqual([
      [String(3 * MIB), undefined, 3 * MIB],
      [String(3 * MIB), undefined, 3 * MIB],
    ]);
  });

  it("reads no faster than the reader", async () => {
    let sent = 0;
    const host = await serving((_, response) => {
      response.writeHead(200, { "content-length": String(256 * MIB) });
      Readable.from(
        (function* () {
          for (let i = 0; i < 256; i++) {
            sent += MIB;
            yield Buffer.alloc(MIB);
          }
        })(),
        { objectMode: false },
      ).pipe(response);
    });
    const { body } = await (await transport()).stream(exchange(host));
    body.once("readable", () => body.read(1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(40 * MIB);
    let received = 1;
    for await (const chunk of body) received += chunk.length;
    expect(received).toBe(256 * MIB);
  });

  it("fail when they break off, and when they are aborted", async () => {
    const host = await serving((request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("x".repeat(10));
      if (request.url === "/cut") setTimeout(() => response.destroy(), 20);
    });
    const one = await transport();
    const read = async (path: string, signal: AbortSignal) => {
      const { body } = await one.stream(exchange(host, { path, signal }));
      for await (const _ of body);
    };
    const cut = await failure(read("/cut", new AbortController().signal));
    expect([cut.code, cut.retryable]).toEqual(["unavailable", true]);
    expect(cut.message).toContain("10 of 1000 bytes");
    expect((await failure(read("/", AbortSignal.timeout(50)))).code).toBe("cancelled");
  });
});

describe("time limits", () => {
  it("for the answer to begin, and for it to stand still", async () => {
    const host = await serving((request, response) => {
      if (request.url === "/silent") return;
      response.writeHead(200, { "content-length": "1000" });
      response.write("x");
    });
    const one = await transport();
    const [silent, still] = await Promise.all([
      failure(one.send(exchange(host, { path: "/silent", headersTimeoutMs: 200 }))),
      failure(one.send(exchange(host, { path: "/still", bodyIdleMs: 200 }))),
    ]);
    expect([silent.code, silent.retryable]).toEqual(["timeout", true]);
    expect([still.code, still.retryable]).toEqual(["timeout", true]);
    expect(still.message).toContain("1 of 1000 bytes");
  });
});

it("sends nothing once it is aborted", async () => {
  let seen = 0;
  const host = await serving((_, response) => {
    seen++;
    response.end();
  });
  const error = await failure((await transport()).send(exchange(host, { signal: AbortSignal.abort() })));
  expect(error.code).toBe("cancelled");
  expect(seen).toBe(0);
});
