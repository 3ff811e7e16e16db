import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { exportObject } from "../workspace/export.ts";
import type { StaleReads } from "../workspace/stale-reads.ts";
import type { WorkspaceTree } from "../workspace/tree.ts";
import { IMPORT_FILE } from "../workspace/workspace-api.ts";
import { ApiError, notImplemented } from "./api-error.ts";
import type { Authority } from "./auth.ts";
import type { FaultPlan, Faults } from "./faults.ts";
import type { RateLimits } from "./rate-limits.ts";
import { type ApiRequest, EMPTY, errorReply, json, type Reply } from "./reply.ts";
import { send, sendFaulty } from "./send.ts";
import type { Settings } from "./settings.ts";
import type { Stats } from "./stats.ts";

/** What answering a request needs. */
export interface Serving {
  tree: WorkspaceTree;
  settings: Settings;
  authority: Authority;
  stats: Stats;
  faults: Faults;
  stale: StaleReads;
  limits: RateLimits;
  routes: Record<string, (request: ApiRequest) => Reply>;
  /** The control API below `/_sandbox/`. */
  control: (request: ApiRequest) => Promise<Reply>;
  origin: () => string;
}

/** The listener of the HTTP server: control API apart, every request is counted, faulted, authenticated, limited and routed. */
export function requestListener(
  serving: Serving,
): (message: IncomingMessage, response: ServerResponse) => void {
  return (message, response) => {
    const url = message.url ?? "/";
    const mark = url.indexOf("?");
    const request: ApiRequest = {
      method: message.method ?? "GET",
      path: mark < 0 ? url : url.slice(0, mark),
      query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
      headers: message.headers,
      body: EMPTY,
    };
    const control = request.path.startsWith("/_sandbox/");
    if (!control) serving.stats.begin();
    const go = () => {
      if (control) void serving.control(request).then((reply) => send(response, reply));
      else answer(serving, request, url, response);
    };
    if (request.method === "GET" || request.method === "HEAD") {
      message.resume();
      go();
      return;
    }
    const chunks: Buffer[] = [];
    message.on("data", (chunk: Buffer) => chunks.push(chunk));
    message.on("end", () => {
      request.body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      go();
    });
    message.on("error", () => {
      if (!control) serving.stats.end(0, 0);
    });
  };
}

function answer(serving: Serving, request: ApiRequest, url: string, response: ServerResponse): void {
  const { stats, faults } = serving;
  const endpoint = endpointOf(request);
  stats.received(endpoint, request.body.length);
  if (faults.active) {
    answerWithFaults(serving, request, endpoint, url, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, errorReply(error));
      stats.end(500, 0);
    });
    return;
  }
  const reply = route(serving, request, endpoint);
  send(response, reply);
  stats.end(reply.status, reply.body.length);
}

async function answerWithFaults(
  serving: Serving,
  request: ApiRequest,
  endpoint: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const { faults, stale, stats, settings, authority } = serving;
  const path = (request.query.get("path") ?? "").replace(/(.)\/$/, "$1");
  const plan = faults.match(request.method, endpoint, decoded(url), () => stale.has(endpoint, path));
  if (plan.latency) await sleep(plan.latency.ms);
  if (plan["expire-tokens"]) authority.expireAll();
  if (plan.kill && (plan.kill.when ?? "before") === "before") {
    kill(plan.kill.pid);
    response.destroy();
    stats.end(0, 0);
    return;
  }
  const instead = plan.status && !plan.status.applied;
  let reply = instead ? statusReply(plan) : undefined;
  if (plan.stale && !reply) {
    reply = stale.take(endpoint, path, (previous) => safely(() => exportObject(previous, request, settings)));
  }
  reply ??= route(serving, request, endpoint);
  if (plan.status?.applied) reply = statusReply(plan);
  if (plan.kill?.when === "applied") {
    kill(plan.kill.pid);
    response.destroy();
    stats.end(0, 0);
    return;
  }
  const sent = await sendFaulty(response, reply, plan);
  stats.end(plan.reset && sent === 0 ? 0 : reply.status, sent);
  if (plan.kill) kill(plan.kill.pid);
}

function route(serving: Serving, request: ApiRequest, endpoint: string): Reply {
  return safely(() => {
    const open = serving.authority.route(request, serving.origin());
    if (open) return open;
    if (!request.path.startsWith("/api/")) {
      throw new ApiError(
        404,
        "ENDPOINT_NOT_FOUND",
        `The sandbox has no page ${request.method} ${request.path}.`,
      );
    }
    serving.authority.check(request);
    const handler = serving.routes[endpoint];
    if (!handler) throw notImplemented(endpoint);
    serving.limits.take(endpoint);
    return handler(request);
  });
}

function safely(action: () => Reply): Reply {
  try {
    return action();
  } catch (error) {
    return errorReply(error);
  }
}

function endpointOf({ method, path }: ApiRequest): string {
  if (path.startsWith(IMPORT_FILE)) return `${method} ${IMPORT_FILE}{path}`;
  return `${method} ${path}`;
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll("+", " "));
  } catch {
    return url;
  }
}

function statusReply(plan: FaultPlan): Reply {
  const { status, errorCode = "FAULT", message = "A fault of the sandbox.", body, retryAfter } = plan.status!;
  const reply =
    typeof body === "string"
      ? { status, body: Buffer.from(body), headers: { "content-type": "text/plain" } }
      : json(body ?? { error_code: errorCode, message }, status);
  if (retryAfter === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, "retry-after": String(retryAfter) } };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
