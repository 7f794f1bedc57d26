import { createServer, type Server, type TLSSocket } from "node:tls";
import { once } from "node:events";

/** How a node speaks TLS; certificates and keys are PEM texts. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Whoever signs the clients' certificates. */
  readonly ca: string;
  /** Refuses clients without TLS, as a secure cluster does. */
  readonly insist?: boolean;
  /** `ask`: who has none logs in without; users must have the name of theirs. `require`: no handshake without one. */
  readonly clientCertificates?: "ask" | "require";
}

/** Bytes to and from a client. */
export interface Transport {
  /** Resolves with how many bytes there were, `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Resolves with how many bytes the socket has taken. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Decrypts what clients send. Deno cannot upgrade a server's socket, so the bytes go by way of a TLS server of our own. */
export class TlsEnd {
  readonly options: TlsOptions;
  readonly #server: Server;
  readonly #listening: Promise<unknown>;
  /** Who waits for the end of a handshake, by the client's port. */
  readonly #waiting = new Map<number, (socket: TLSSocket | undefined) => void>();

  /** Listens at once. */
  constructor(options: TlsOptions) {
    const { cert, key, ca, clientCertificates } = options;
    this.options = options;
    this.#server = createServer({
      cert,
      key,
      ca,
      requestCert: clientCertificates !== undefined,
      rejectUnauthorized: clientCertificates === "require",
    }, (socket) => {
      socket.on("error", () => {}); // the reader sees the end
      this.#waiting.get(socket.remotePort ?? 0)?.(socket);
    });
    this.#server.on("tlsClientError", () => {}); // the client is told by an alert
    this.#server.listen(0, "127.0.0.1");
    this.#listening = once(this.#server, "listening");
  }

  /** Shakes hands with a client that has been told to; `undefined` when that fails. */
  async secure(plain: Deno.TcpConn): Promise<SecureTransport | undefined> {
    await this.#listening;
    const address = this.#server.address();
    if (address === null || typeof address === "string") return undefined;
    const near = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
    const { port } = near.localAddr;
    const { promise, resolve } = Promise.withResolvers<TLSSocket | undefined>();
    this.#waiting.set(port, resolve);
    // When one direction ends, what is on its way still arrives; then the other one ends too.
    const toClient = near.readable.pipeTo(plain.writable).catch(() => {});
    const fromClient = plain.readable.pipeTo(near.writable).catch(() => {});
    toClient.then(() => closeAll([plain, near]));
    Promise.all([toClient, fromClient]).then(() => resolve(undefined));
    const socket = await promise;
    this.#waiting.delete(port);
    return socket === undefined ? undefined : new SecureTransport(socket);
  }

  /** Stops listening. */
  close(): void {
    this.#server.close();
  }
}

/** The decrypted bytes of a client. */
export class SecureTransport implements Transport {
  /** Common name of the client's certificate; `undefined` without one that the authority has signed. */
  readonly peer: string | undefined;
  readonly #socket: TLSSocket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(socket: TLSSocket) {
    const name = socket.authorized ? socket.getPeerCertificate()?.subject?.CN : undefined;
    this.peer = Array.isArray(name) ? name[0] : name;
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return null;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, buffer.length);
    buffer.set(taken);
    this.#rest = this.#rest.subarray(taken.length);
    return taken.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.write(bytes, (failure) => failure ? reject(failure) : resolve());
    await promise;
    return bytes.length;
  }

  close(): void {
    this.#socket.end();
  }
}

function closeAll(connections: readonly Deno.TcpConn[]): void {
  for (const connection of connections) {
    try {
      connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // its streams have closed it already
    }
  }
}
