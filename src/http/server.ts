import { AgentError } from "../errors.ts";
import { type HostPort, hostPortText } from "../settings/host_port.ts";

/** A server that listens. */
export interface HttpServer {
  /** The port it listens on. */
  readonly port: number;
  /** Stops listening; answers under way are finished. */
  close(): Promise<void>;
}

/** What answers requests. */
export interface RequestHandler {
  /** Answers a request; it never throws. */
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * Listens for HTTP; port 0 takes a free one.
 *
 * @throws AgentError `ConfigInvalid` when the address cannot be listened on
 */
export function serve(address: HostPort, handler: RequestHandler): HttpServer {
  const { host: hostname, port } = address;
  try {
    const server = Deno.serve({ hostname, port, onListen: () => {} }, (request) => handler.fetch(request));
    return { port: server.addr.port, close: () => server.shutdown() };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError("ConfigInvalid", `Cannot listen on "${hostPortText(address)}": ${text}`, {
      cause,
      hint: "set PROMETHEUS_ADDR to an address of this machine with a free port, such as 0.0.0.0:8002",
    });
  }
}
