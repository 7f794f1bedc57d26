import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { setTimeout } from "node:timers/promises";
import { AgentError } from "../errors.ts";
import { type HostPort, hostPortText } from "../settings/host_port.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";

/** A server that listens. */
export interface HttpServer {
  /** The port it listens on. */
  readonly port: number;
  /** Stops listening; answers under way are finished, unless their clients take too long. */
  close(): Promise<void>;
}

/** What answers requests. */
export interface RequestHandler {
  /** Answers a request, GET or HEAD without a body; it never throws. */
  fetch(request: Request): Response | Promise<Response>;
}

/** What a client may cost; times in milliseconds. */
export interface Limits {
  /** Connections at a time; others are closed at once. */
  readonly connections: number;
  /** Bytes of a request's line and headers. */
  readonly headerBytes: number;
  /** From a connection's first byte to the end of its headers. */
  readonly requestTime: number;
  /** A client may take nothing of an answer, or ask nothing, for so long. */
  readonly idleTime: number;
  /** After `close`, for answers under way. */
  readonly closeTime: number;
}

/** Enough for every monitor and probe, and well below the file descriptors that a process has. */
const LIMITS: Limits = {
  connections: 256,
  headerBytes: 8192,
  requestTime: 5000,
  idleTime: 30_000,
  closeTime: 1000,
};

/** What the system says where it has no IPv6. */
const NO_IPV6: readonly string[] = ["EAFNOSUPPORT", "EADDRNOTAVAIL"];

/**
 * Listens for HTTP; port 0 takes a free one. `Deno.serve` is of no use here: it waits for ever for the rest of a
 * request (seen in 2.6 and 2.9), so that slow clients could take all file descriptors. The limits hold in Deno 2.9.6;
 * the `node:http` of Deno 2.6.10 ignores them.
 *
 * @throws AgentError `ConfigInvalid` when the address cannot be listened on
 */
export async function serve(
  address: HostPort,
  handler: RequestHandler,
  limits: Limits = LIMITS,
): Promise<HttpServer> {
  const { host, port } = address;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestTime,
    requestTimeout: limits.requestTime,
    connectionsCheckingInterval: Math.min(1000, limits.requestTime),
    keepAliveTimeout: limits.idleTime,
  }, (request, response) => {
    answer(request, response, handler).catch(() => response.destroy());
  });
  server.maxConnections = limits.connections;
  server.timeout = limits.idleTime;
  try {
    await listen(server, port, host).catch((cause) => {
      if (host !== "::" || !NO_IPV6.includes(cause.code)) throw cause;
      return listen(server, port, "0.0.0.0"); // every address that there is
    });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError("ConfigInvalid", `Cannot listen on "${hostPortText(address)}": ${text}`, {
      cause,
      hint: "set PROMETHEUS_ADDR to an address of this machine with a free port, such as 0.0.0.0:8002",
    });
  }
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    close: () => close(server, limits.closeTime),
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: RequestHandler,
): Promise<void> {
  const refused = refusal(request);
  if (refused !== undefined) {
    const [status, text, headers] = refused;
    // What else the client sends would have to be read first.
    response.writeHead(status, { ...SECURITY_HEADERS, ...headers, Connection: "close" }).end(`${text}\n`);
    return;
  }
  const { status, headers, body } = await handler.fetch(webRequest(request));
  response.writeHead(status, Object.fromEntries(headers));
  if (body === null) response.end();
  else {
    // A client that leaves early is no failure.
    await pipeline(Readable.fromWeb(body as NodeReadableStream), response).catch(() => undefined);
  }
}

/** Nothing here is changed by a request, so nothing but reading is understood. */
function refusal(
  { method, headers, url = "" }: IncomingMessage,
): [status: number, text: string, headers: Record<string, string>] | undefined {
  if (method !== "GET" && method !== "HEAD") return [405, "Method not allowed", { Allow: "GET, HEAD" }];
  const { "content-length": length = "0", "transfer-encoding": coding } = headers;
  if (length !== "0" || coding !== undefined) return [413, "A request has no body here", {}];
  return url.startsWith("/") ? undefined : [400, "Bad request", {}];
}

function webRequest({ method = "GET", url = "/", headers }: IncomingMessage): Request {
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return new Request(`http://localhost${url}`, { method, headers: Object.fromEntries(pairs) });
}

/** Whoever still takes an answer then, or does not, is cut off. */
async function close(server: Server, patience: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await Promise.race([closed, setTimeout(patience, undefined, { ref: false })]);
  server.closeAllConnections();
}
