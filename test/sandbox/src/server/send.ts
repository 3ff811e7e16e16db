import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultPlan } from "./faults.ts";
import type { Reply } from "./reply.ts";

/** Sends an answer as it is. */
export function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, "content-length": reply.body.length });
  response.end(reply.body);
}

/** Sends an answer with the faults of its body. Resolves to the number of body bytes sent, when the last one is out. */
export async function sendFaulty(response: ServerResponse, reply: Reply, plan: FaultPlan): Promise<number> {
  let { body } = reply;
  if (plan.corrupt && body.length > 0) {
    body = Buffer.from(body);
    const at = Math.min(plan.corrupt.at ?? body.length >> 1, body.length - 1);
    body[at]! ^= 1;
  }
  if (plan.short) body = body.subarray(0, plan.short.keep ?? body.length >> 1);
  const length = body.length;
  if (plan.truncate)
    body = body.subarray(0, Math.min(plan.truncate.keep ?? length >> 1, Math.max(0, length - 1)));
  const after = plan.reset && (plan.reset.after ?? 0);
  if (after === 0) {
    response.destroy();
    return 0;
  }
  if (after !== undefined) body = body.subarray(0, Math.min(after, Math.max(0, length - 1)));
  response.writeHead(reply.status, { ...reply.headers, "content-length": length });
  const chunk = plan.slow ? (plan.slow.chunk ?? 1024) : Math.max(1, body.length);
  for (let at = 0; at < body.length && !response.destroyed; at += chunk) {
    if (plan.slow && at > 0) await sleep(plan.slow.ms);
    await written(response, body.subarray(at, at + chunk));
  }
  if (body.length < length) {
    response.flushHeaders();
    await sleep(5); // the bytes leave before the connection is broken
    if (after !== undefined) response.socket?.resetAndDestroy();
    else response.socket?.destroySoon();
    return body.length;
  }
  await new Promise<void>((resolve) => {
    response.once("close", resolve);
    response.end(resolve);
  });
  return body.length;
}

const written = (response: ServerResponse, chunk: Buffer) =>
  new Promise<void>((resolve) => {
    if (response.destroyed) return resolve();
    response.once("close", resolve);
    response.write(chunk, () => {
      response.off("close", resolve);
      resolve();
    });
  });
