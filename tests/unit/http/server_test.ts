import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { AgentError } from "../../../src/errors.ts";
import { type HttpServer, type Limits, type RequestHandler, serve } from "../../../src/http/server.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const hello = { fetch: () => new Response("hello") };
/** No limit is near. */
const GENEROUS: Limits = {
  connections: 100,
  headerBytes: 8192,
  requestTime: 10_000,
  idleTime: 10_000,
  closeTime: 10_000,
};

/** A server for one test, and connections to it. */
class Rig implements AsyncDisposable {
  readonly #sockets: Socket[] = [];
  private constructor(readonly server: HttpServer) {}

  static async start(limits: Partial<Limits> = {}, handler: RequestHandler = hello): Promise<Rig> {
    return new Rig(await serve(LOOPBACK, handler, { ...GENEROUS, ...limits }));
  }

  /** Connects and sends this. */
  async send(text: string): Promise<Socket> {
    const socket = connect(this.server.port, "127.0.0.1").on("error", () => {});
    this.#sockets.push(socket);
    await once(socket, "connect");
    socket.write(text);
    return socket;
  }

  /** Everything that comes back until the server closes the connection. */
  async answerTo(text: string): Promise<string> {
    const chunks: unknown[] = [];
    for await (const chunk of await this.send(text)) chunks.push(chunk);
    return chunks.join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.server.close();
  }
}

/** What a client gets that takes nothing until the test has what it waits for. */
function endless(): { handler: RequestHandler; cancelled: Promise<void> } {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const handler = {
    fetch: () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
          cancel: () => resolve(),
        }),
      ),
  };
  return { handler, cancelled };
}

Deno.test("serve() answers on a free port until it is closed", async () => {
  const server = await serve(LOOPBACK, hello);
  const url = `http://127.0.0.1:${server.port}/`;
  const response = await fetch(url);
  assert.equal(await response.text(), "hello");
  await server.close();
  await assert.rejects(fetch(url));
});

Deno.test("serve() passes on path, query, headers, status and body", async () => {
  const seen: unknown[] = [];
  await using rig = await Rig.start({}, {
    fetch: ({ method, url, headers }) => {
      seen.push([method, url, headers.get("x-a"), headers.get("host")]);
      return new Response(method === "HEAD" ? null : "ü", { status: 503, headers: { "X-B": "2" } });
    },
  });
  const answer = await rig.answerTo(
    "GET /a%20b?c HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nConnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1.1 503 [\s\S]*\r\nx-b: 2\r\n[\s\S]*ü/i);
  await rig.answerTo("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  assert.deepEqual(seen, [["GET", "http://localhost/a%20b?c", "1", "h:1"], [
    "HEAD",
    "http://localhost/",
    null,
    "h",
  ]]);
});

Deno.test("serve() says which address is taken and which setting to change", async () => {
  await using rig = await Rig.start();
  await assert.rejects(serve({ host: "127.0.0.1", port: rig.server.port }, hello), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.kind, "ConfigInvalid");
    assert.match(error.message, new RegExp(`^Cannot listen on "127\\.0\\.0\\.1:${rig.server.port}": .+`));
    assert.match(error.hint, /PROMETHEUS_ADDR/);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});

Deno.test("serve() shows an IPv6 address in brackets", async () => {
  // 2001:db8::/32 is for documentation: no machine has it.
  await assert.rejects(serve({ host: "2001:db8::1", port: 8001 }, hello), {
    name: "AgentError",
    message: /^Cannot listen on "\[2001:db8::1\]:8001": /,
  });
});

Deno.test("serve() refuses every method but GET and HEAD, and every body, without asking the handler", async () => {
  await using rig = await Rig.start({}, { fetch: () => assert.fail("asked") });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]) {
    const answer = await rig.answerTo(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 405 [\s\S]*\r\nAllow: GET, HEAD\r\n/, method);
    assert.match(answer, /\r\nContent-Security-Policy: default-src 'none'/, method);
  }
  for (const header of ["Content-Length: 5", "Transfer-Encoding: chunked"]) {
    assert.match(await rig.answerTo(`GET / HTTP/1.1\r\nHost: h\r\n${header}\r\n\r\n`), /^HTTP\/1.1 413 /);
  }
  assert.match(await rig.answerTo("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), /^HTTP\/1.1 400 /);
  assert.match(await rig.answerTo("nonsense\r\n\r\n"), /^HTTP\/1.1 400 /);
});

Deno.test("serve() refuses headers that are too large", async () => {
  await using rig = await Rig.start({ headerBytes: 1000 });
  const long = "x".repeat(1000);
  assert.match(await rig.answerTo(`GET /${long} HTTP/1.1\r\nHost: h\r\n\r\n`), /^HTTP\/1.1 431 /);
  assert.match(await rig.answerTo(`GET / HTTP/1.1\r\nHost: h\r\nX: ${long}\r\n\r\n`), /^HTTP\/1.1 431 /);
});

Deno.test("serve() does not wait for a request that does not come to its end", async () => {
  await using rig = await Rig.start({ requestTime: 20 });
  const [silent, half] = await Promise.all([rig.answerTo(""), rig.answerTo("GET / HTTP/1.1\r\nHost: h\r\n")]);
  assert.match(silent, /^$|^HTTP\/1.1 408 /);
  assert.match(half, /^HTTP\/1.1 408 /);
});

Deno.test("serve() does not wait for a next request", async () => {
  await using rig = await Rig.start({ idleTime: 20 });
  assert.match(await rig.answerTo("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), /^HTTP\/1.1 200 /);
});

Deno.test("serve() cuts off a client that does not take its answer, and the answer learns it", async () => {
  const { handler, cancelled } = endless();
  await using rig = await Rig.start({ idleTime: 50 }, handler);
  const socket = await rig.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  socket.pause();
  await cancelled;
});

Deno.test("serve() closes the connections above its limit", async () => {
  await using rig = await Rig.start({ connections: 2 });
  const request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const first = await Promise.all([rig.send(request), rig.send(request)]);
  await Promise.all(first.map((socket) => once(socket, "data")));
  assert.equal(await rig.answerTo(request), "");
});

Deno.test("serve() closes although a client holds its connection open", async () => {
  await using rig = await Rig.start();
  const socket = await rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /half");
  await once(socket, "data");
  await rig.server.close();
});

Deno.test("serve() closes although a client does not take its answer", async () => {
  const { handler, cancelled } = endless();
  await using rig = await Rig.start({ closeTime: 20 }, handler);
  const socket = await rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "readable");
  await rig.server.close();
  await cancelled;
});
