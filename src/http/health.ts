import { type HostPort, hostPortText } from "../settings/host_port.ts";
import type { Verdict } from "../telemetry/snapshot.ts";

/** In milliseconds; a container's check is given up after 30 s unless it says otherwise. */
const PATIENCE = 4000;
/** Addresses that a server listens on and nobody can ask. */
const UNSPECIFIED: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Asks `/healthz` of the publisher whose HTTP server listens there. It never throws: what does not answer is not well.
 *
 * @param address where it listens; 0.0.0.0 and [::] stand for this machine
 */
export async function askHealth({ host, port }: HostPort): Promise<Verdict> {
  const address = hostPortText({ host: UNSPECIFIED[host] ?? host, port });
  if (port === 0) {
    return { ok: false, reason: `nobody knows which port "${address}" took; give PROMETHEUS_ADDR one` };
  }
  try {
    const response = await fetch(`http://${address}/healthz`, { signal: AbortSignal.timeout(PATIENCE) });
    const { ok, reason }: Partial<Verdict> = await response.json();
    if (typeof ok !== "boolean" || typeof reason !== "string") {
      throw new Error("not an answer of this program");
    }
    return { ok, reason };
  } catch (cause) {
    return { ok: false, reason: `cannot ask "${address}": ${textOf(cause)}` };
  }
}

/** What fetch says of its own is only that it failed. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
