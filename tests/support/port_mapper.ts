import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Requests and answers of Erlang's port mapper protocol: its documentation, "Distribution Protocol". */
const ALIVE = 120, ALIVE_ANSWER = 118, LOOKUP = 122, LOOKUP_ANSWER = 119, NAMES = 110;
const NOT_FOUND = 1;

/** How a node appears to others. */
export interface Registration {
  /** Where it takes connections of other nodes. */
  readonly port: number;
  /** Type, protocol and versions, as the node gave them. */
  readonly traits: Buffer;
}

/** The nodes that are up, by name. */
export type Registrations = Map<string, Registration>;

/**
 * Erlang's port mapper (epmd) for the nodes of a test: the machine's own never hears of them. Each node of a cluster has
 * one, so that a test can say which way leads from one node to the other; what is registered at one, all of them know.
 */
export class PortMapper {
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #nodes: Registrations;
  /** Ports of the ways to nodes, by name. */
  readonly #ways = new Map<string, number>();

  private constructor(nodes: Registrations) {
    this.#nodes = nodes;
  }

  /** Listens on a free port; those of a cluster share what is registered. */
  static async start(nodes: Registrations = new Map()): Promise<PortMapper> {
    const mapper = new PortMapper(nodes);
    mapper.#server.listen(0, "127.0.0.1");
    await once(mapper.#server, "listening");
    return mapper;
  }

  /** Where it listens. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Who asks here for this node is sent to that port, while the node is up. */
  lead(node: string, port: number): void {
    this.#ways.set(node, port);
  }

  /** Stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // a node that was killed
    socket.on("close", () => this.#sockets.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 2 ? Infinity : received.readUInt16BE(0);
      if (received.length < 2 + length) return;
      this.#answer(socket, received.subarray(2, 2 + length));
      received = received.subarray(2 + length);
    });
  }

  #answer(socket: Socket, request: Buffer): void {
    switch (request[0]) {
      case ALIVE:
        return this.#register(socket, request);
      case LOOKUP:
        return void socket.end(this.#lookup(request.toString("utf8", 1)));
      case NAMES: {
        const lines = [...this.#nodes].map(([name, { port }]) => `name ${name} at port ${port}\n`);
        const port = Buffer.alloc(4);
        port.writeUInt32BE(this.port);
        return void socket.end(Buffer.concat([port, Buffer.from(lines.join(""))]));
      }
      default:
        socket.destroy();
    }
  }

  /** A node is registered for as long as its connection is open. */
  #register(socket: Socket, request: Buffer): void {
    const name = request.toString("utf8", 11, 11 + request.readUInt16BE(9));
    const registration = { port: request.readUInt16BE(1), traits: Buffer.from(request.subarray(3, 9)) };
    this.#nodes.set(name, registration);
    socket.on("close", () => {
      if (this.#nodes.get(name) === registration) this.#nodes.delete(name);
    });
    const answer = Buffer.alloc(6);
    answer[0] = ALIVE_ANSWER;
    answer.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), 2); // what tells one life of the node from the next
    socket.write(answer);
  }

  #lookup(name: string): Buffer {
    const found = this.#nodes.get(name);
    if (found === undefined) return Buffer.from([LOOKUP_ANSWER, NOT_FOUND]);
    const text = Buffer.from(name);
    const answer = Buffer.alloc(14 + text.length);
    answer[0] = LOOKUP_ANSWER;
    answer.writeUInt16BE(this.#ways.get(name) ?? found.port, 2);
    found.traits.copy(answer, 4);
    answer.writeUInt16BE(text.length, 10);
    text.copy(answer, 12);
    return answer;
  }
}
