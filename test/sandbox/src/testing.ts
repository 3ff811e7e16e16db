import { afterEach } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "./sandbox.ts";

/** A sandbox for one test, closed after it, with a small client that knows nothing but HTTP. */
export interface TestSandbox extends Sandbox {
  /** A request with the personal access token; a body that is no Buffer is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  /** Exports with `direct_download=true`. */
  bytesOf(path: string, format?: string): Promise<Buffer>;
  /** Imports, base64 in JSON. */
  importAs(path: string, content: Buffer | string, fields: Record<string, unknown>): Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON it expects
  json: any;
}

const open: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

export async function testSandbox(options: SandboxOptions = {}): Promise<TestSandbox> {
  const sandbox = await startSandbox(options);
  open.push(sandbox);
  const call: TestSandbox["call"] = async (method, path, body, headers = {}) => {
    const init: RequestInit = {
      method,
      headers: { authorization: `Bearer ${sandbox.token}`, ...headers },
      redirect: "manual",
    };
    if (body !== undefined)
      init.body =
        Buffer.isBuffer(body) || body instanceof FormData
          ? (body as NonNullable<RequestInit["body"]>)
          : JSON.stringify(body);
    const response = await fetch(sandbox.url + path, init);
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get("content-type") === "application/json";
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      json: isJson ? JSON.parse(bytes.toString()) : undefined,
    };
  };
  const get = (path: string) => call("GET", path);
  const post = (path: string, body: unknown = {}) => call("POST", path, body);
  return {
    ...sandbox,
    call,
    get,
    post,
    bytesOf: async (path, format = "SOURCE") => {
      const query = new URLSearchParams({ path, format, direct_download: "true" });
      return (await get(`/api/2.0/workspace/export?${query}`)).bytes;
    },
    importAs: (path, content, fields) =>
      post("/api/2.0/workspace/import", {
        path,
        content: Buffer.from(content).toString("base64"),
        ...fields,
      }),
  };
}

/** The query for a workspace path. */
export const at = (path: string): string => `?path=${encodeURIComponent(path)}`;
