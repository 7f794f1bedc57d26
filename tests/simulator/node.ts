import type { Cluster } from "./cluster.ts";
import { Connection } from "./connection.ts";
import { SqlError } from "./sql_error.ts";
import { TlsEnd, type TlsOptions } from "./tls_end.ts";

/** How long a draining node lets feeds go on, in milliseconds. */
const DRAIN_TIME = 100;

/** One node of the simulated cluster: a port that clients connect to, and that can go down on its own. */
export class Node {
  /** On the loopback address; the same after a restart. */
  readonly port: number;
  readonly #cluster: Cluster;
  /** With the end of their service. */
  readonly #connections = new Map<Connection, Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #draining = false;
  #serving: Promise<void> = Promise.resolve();

  readonly #tls: TlsEnd | undefined;

  /** @param port 0 takes a free one */
  constructor(cluster: Cluster, port: number, tls?: TlsOptions) {
    this.#cluster = cluster;
    this.#tls = tls === undefined ? undefined : new TlsEnd(tls);
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
    this.#serving = this.#serve(this.#listener);
  }

  /** False between {@linkcode kill} or {@linkcode drain} and {@linkcode restart}. */
  get up(): boolean {
    return this.#listener !== undefined;
  }

  /** The port closes and every connection with it, at once. */
  async kill(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    for (const connection of this.#connections.keys()) connection.close();
    await this.#serving;
    await Promise.all(this.#connections.values());
  }

  /** {@linkcode kill}, for good. */
  async remove(): Promise<void> {
    await this.kill();
    this.#tls?.close();
  }

  /** A graceful shutdown: feeds get 57014, then every connection 57P01 (recording error-server-drain). */
  async drain(): Promise<void> {
    this.#draining = true;
    await new Promise((resolve) => setTimeout(resolve, DRAIN_TIME));
    const sessions = [...this.#connections.keys()].map(({ session }) => session?.drain());
    await Promise.all(sessions);
    await new Promise((resolve) => setTimeout(resolve, DRAIN_TIME));
    await this.kill();
  }

  /** Listens again on the same port. */
  restart(): void {
    this.#draining = false;
    if (this.#listener !== undefined) return;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#serving = this.#serve(this.#listener);
  }

  async #serve(listener: Deno.TcpListener): Promise<void> {
    for await (const socket of listener) {
      socket.setNoDelay(true);
      const connection = new Connection(this.#cluster, socket, this.port, this.#tls);
      const refusal = this.#draining
        ? new SqlError("57P01", "server is not accepting clients", undefined, "FATAL")
        : undefined;
      const served = connection.serve(refusal).finally(() => this.#connections.delete(connection));
      this.#connections.set(connection, served);
    }
  }
}
