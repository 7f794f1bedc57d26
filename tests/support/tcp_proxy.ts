import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { pause } from "./ports.ts";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A way to a server that a test can cut, slow down, close, or let fall silent. */
export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  readonly #gates = new Set<PromiseWithResolvers<void>>();
  #server: Server | undefined;
  #port = 0;
  #silent = false;
  #delay = 0;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#target = { host: hostname, port: Number(port) };
  }

  /** Listens in front of the server of this URL. */
  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.accept();
    return proxy;
  }

  /** The same URL by way of the proxy. */
  through(url: string): string {
    const own = new URL(url);
    own.hostname = "127.0.0.1";
    own.port = String(this.#port);
    return own.href;
  }

  /** Port on 127.0.0.1. */
  get port(): number {
    return this.#port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection on both sides. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** From now on nothing passes in either direction, and nobody is told: as when a host or a network vanishes. */
  blackhole(): void {
    this.#silent = true;
  }

  /** Ends {@linkcode blackhole}: what was held passes. */
  heal(): void {
    this.#silent = false;
    for (const gate of this.#gates) gate.resolve();
    this.#gates.clear();
  }

  /** Every piece that passes waits so long, in milliseconds; 0 ends it. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** Refuses new connections; open ones stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Takes connections, again on the same port. */
  async accept(): Promise<void> {
    const server = createServer({ pauseOnConnect: true }, (near) => this.#pass(near));
    this.#server = server;
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  /** Cuts everything and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    this.heal();
    const closed = [...this.#pairs].flatMap(({ near, far }) => [near, far]).map((socket) =>
      socket.destroyed ? undefined : once(socket, "close")
    );
    this.cut();
    await Promise.all(closed);
  }

  #pass(near: Socket): void {
    const far = connect(this.#target);
    const pair = { near, far };
    this.#pairs.add(pair);
    // While nothing passes, the other side does not learn that this one is gone either.
    const end = async () => {
      await this.#passing();
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    // A socket that fails ends the other one; the failure itself is what the tests are about.
    this.#pump(near, far).catch(end);
    this.#pump(far, near).catch(end);
  }

  async #pump(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from) {
      if (this.#delay > 0) await pause(this.#delay);
      await this.#passing();
      if (!to.destroyed && !to.write(chunk)) await once(to, "drain");
    }
    await this.#passing();
    to.end();
  }

  /** Resolves when something may pass. */
  async #passing(): Promise<void> {
    while (this.#silent) {
      const gate = Promise.withResolvers<void>();
      this.#gates.add(gate);
      await gate.promise;
    }
  }
}
