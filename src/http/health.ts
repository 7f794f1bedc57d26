import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { type HostPort, hostPortText } from "../settings/host_port.ts";
import type { Verdict } from "../telemetry/snapshot.ts";

/** In milliseconds; a container's check is given up after 30 s unless it says otherwise. */
const PATIENCE = 4000;
/** Addresses that a server listens on and nobody can ask: what to ask instead, one after the other. */
const UNSPECIFIED: Readonly<Record<string, readonly string[]>> = {
  "0.0.0.0": ["127.0.0.1"],
  "::": ["::1", "127.0.0.1"], // where the machine has no IPv6 the server listens on all of IPv4
};

/**
 * Asks `/healthz` of the publisher whose HTTP server listens there: this machine itself, whatever proxies the environment
 * names. It never throws: what does not answer is not well.
 *
 * @param address where it listens; 0.0.0.0 and [::] stand for this machine
 */
export async function askHealth({ host, port }: HostPort): Promise<Verdict> {
  const hosts = UNSPECIFIED[host] ?? [host];
  const address = hostPortText({ host: hosts[0]!, port });
  if (port === 0) {
    return { ok: false, reason: `nobody knows which port "${address}" took; give PROMETHEUS_ADDR one` };
  }
  let failure: unknown;
  for (const host of hosts) {
    try {
      return await verdictOf(host, port);
    } catch (cause) {
      failure ??= cause;
    }
  }
  return { ok: false, reason: `cannot ask "${address}": ${textOf(failure)}` };
}

/** Over a socket: `fetch` takes HTTP_PROXY and ALL_PROXY, and `node:http` does where NODE_USE_ENV_PROXY is set (Deno 2.9.6). */
async function verdictOf(host: string, port: number): Promise<Verdict> {
  const socket = connect({ host, port, signal: AbortSignal.timeout(PATIENCE) });
  try {
    socket.write(`GET /healthz HTTP/1.0\r\nHost: ${hostPortText({ host, port })}\r\n\r\n`);
    const answer = await text(socket);
    const { ok, reason }: Partial<Verdict> = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
    if (typeof ok !== "boolean" || typeof reason !== "string") {
      throw new Error("not an answer of this program");
    }
    return { ok, reason };
  } finally {
    socket.destroy();
  }
}

/** A refusal by every address of a name has no text of its own. */
function textOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return textOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
