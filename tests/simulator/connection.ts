import type { Cluster } from "./cluster.ts";
import { say } from "../support/terminal.ts";
import { BodyReader, type Frame, FrameReader } from "./frames.ts";
import * as messages from "./messages.ts";
import { Session, type Wire } from "./session.ts";
import { Signal, waitForAny } from "./signal.ts";
import { SqlError } from "./sql_error.ts";
import type { TlsEnd, Transport } from "./tls_end.ts";

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const READ_SIZE = 64 * 1024;
/** Messages read ahead of their handling. */
const MAX_WAITING = 1000;
const NEVER = new AbortController().signal;

/** One client's socket, from the start-up message to the end. */
export class Connection implements Wire {
  /** Port of the node. */
  readonly node: number;
  /** Set once the client has logged in. */
  session: Session | undefined;
  readonly #cluster: Cluster;
  readonly #plain: Deno.TcpConn;
  readonly #tls: TlsEnd | undefined;
  #socket: Transport;
  /** Common name of the client's certificate. */
  #peer: string | undefined;
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  readonly #arrived = new Signal();
  readonly #taken = new Signal();
  readonly #gone = new AbortController();

  constructor(cluster: Cluster, socket: Deno.TcpConn, node: number, tls?: TlsEnd) {
    this.#cluster = cluster;
    this.#plain = this.#socket = socket;
    this.#tls = tls;
    this.node = node;
  }

  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  /** Serves the client; never throws. `refuse` answers the start-up with an error. */
  async serve(refuse?: SqlError): Promise<void> {
    try {
      const session = await this.#logIn(refuse);
      if (session === undefined) return;
      this.session = session;
      const reading = this.#readAll();
      await session.serve();
      this.close();
      await reading;
    } catch (error) {
      // One client's trouble must not end the others' server.
      if (!this.closed.aborted && !isDisconnect(error)) {
        say(`simulator: ${error instanceof Error ? error.stack : error}`);
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.closed.aborted) return;
    this.#gone.abort(new Error("connection closed"));
    try {
      this.#socket.close();
    } catch (error) {
      if (!isDisconnect(error)) throw error; // the end of a failed handshake has closed it
    }
    this.#arrived.fire();
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#thawed();
    for (let offset = 0; offset < bytes.length;) offset += await this.#socket.write(bytes.subarray(offset));
  }

  async next(): Promise<Frame | undefined> {
    while (this.#frames.length === 0 && !this.closed.aborted) {
      await waitForAny([this.#arrived], undefined, NEVER);
    }
    await this.#thawed();
    const frame = this.#frames.shift();
    this.#taken.fire();
    return frame;
  }

  /** Waits while a fault says that connections like this one neither read nor answer. */
  async #thawed(): Promise<void> {
    const { faults } = this.#cluster;
    const subject = this.session?.subject ?? { application: "", node: this.node, tables: [] };
    while (faults.freezes(subject) && !this.closed.aborted) {
      await waitForAny([faults.changed], undefined, this.closed);
    }
  }

  async #readAll(): Promise<void> {
    try {
      this.#accept(this.#reader.push(new Uint8Array()));
      for (;;) {
        const piece = await this.#read();
        if (piece === undefined) break;
        this.#accept(this.#reader.push(piece));
        while (this.#frames.length > MAX_WAITING && !this.closed.aborted) {
          await waitForAny([this.#taken], undefined, this.closed);
        }
      }
    } finally {
      this.close();
    }
  }

  #accept(frames: readonly Frame[]): void {
    this.#frames.push(...frames);
    // A client that says goodbye while a feed runs does not wait for its end.
    if (frames.some(({ type }) => type === "X")) this.close();
    this.#arrived.fire();
  }

  async #read(): Promise<Uint8Array | undefined> {
    const buffer = new Uint8Array(READ_SIZE);
    const count = await this.#socket.read(buffer).catch(() => null);
    return count === null ? undefined : buffer.subarray(0, count);
  }

  async #startup(): Promise<BodyReader | undefined> {
    for (
      let piece: Uint8Array | undefined = new Uint8Array();
      piece !== undefined;
      piece = await this.#read()
    ) {
      const body = this.#reader.pushStartup(piece);
      if (body === undefined) continue;
      const reader = new BodyReader(body);
      const code = reader.int32();
      if (code === CANCEL_REQUEST) return undefined;
      if (code !== SSL_REQUEST && code !== GSS_REQUEST) return reader;
      if (code === SSL_REQUEST && this.#tls !== undefined && this.#socket === this.#plain) {
        if (!await this.#secure(this.#tls)) return undefined;
      } else await this.write(new TextEncoder().encode("N"));
    }
    return undefined;
  }

  async #secure(tls: TlsEnd): Promise<boolean> {
    await this.write(new TextEncoder().encode("S"));
    const secure = await tls.secure(this.#plain);
    if (secure === undefined) return false;
    this.#socket = secure;
    this.#peer = secure.peer;
    return true;
  }

  async #logIn(refuse: SqlError | undefined): Promise<Session | undefined> {
    const reader = await this.#startup();
    if (reader === undefined) return undefined;
    await this.#thawed();
    const parameters = new Map<string, string>();
    while (!reader.done) {
      const name = reader.string();
      if (name === "") break;
      parameters.set(name, reader.string());
    }
    const user = parameters.get("user") ?? "root";
    const failure = refuse ?? this.#checkTls(user) ?? await this.#authenticate(user);
    if (failure !== undefined) {
      await this.write(messages.errorResponse(failure));
      return undefined;
    }
    const application = parameters.get("application_name") ?? "";
    await this.#greet(user, application);
    const database = parameters.get("database") ?? "defaultdb";
    return new Session(this.#cluster, this, user, database, application);
  }

  /** Texts of CockroachDB's pgwire/server.go, auth_methods.go and security/auth.go. */
  #checkTls(user: string): SqlError | undefined {
    const { insist, clientCertificates } = this.#tls?.options ?? {};
    if (insist && this.#socket === this.#plain) {
      return new SqlError(
        "08P01",
        "node is running secure mode, SSL connection required",
        undefined,
        "FATAL",
      );
    }
    if (clientCertificates === undefined || this.#peer === user) return undefined;
    const text = this.#peer === undefined
      ? "no TLS peer certificates, but required for auth"
      : `requested user is ${user}, but certificate is for ${this.#peer}`;
    return new SqlError("28000", text, undefined, "FATAL");
  }

  async #authenticate(name: string): Promise<SqlError | undefined> {
    const user = this.#cluster.users.get(name);
    const denied = new SqlError(
      "28P01",
      `password authentication failed for user ${name}`,
      undefined,
      "FATAL",
    );
    if (user === undefined) return denied;
    if (user.password === undefined) return undefined;
    await this.write(messages.authentication(3));
    for (let piece = await this.#read(); piece !== undefined; piece = await this.#read()) {
      const [frame] = this.#reader.push(piece);
      if (frame === undefined) continue;
      return frame.type === "p" && new BodyReader(frame.body).string() === user.password ? undefined : denied;
    }
    return denied;
  }

  async #greet(user: string, application: string): Promise<void> {
    const { version, users } = this.#cluster;
    const own: Readonly<Record<string, string>> = { application_name: application };
    const parts = [messages.authentication(0)];
    for (const [name, value] of version.parameters) {
      parts.push(messages.parameterStatus(name, own[name] ?? value));
    }
    parts.push(messages.parameterStatus("session_authorization", user));
    if (!version.parameters.some(([name]) => name === "is_superuser")) {
      parts.push(messages.parameterStatus("is_superuser", users.get(user)?.admin === true ? "on" : "off"));
    }
    if (version.sendsKeyData) parts.push(messages.backendKeyData(this.node, 1));
    parts.push(messages.readyForQuery("I"));
    await this.write(new Uint8Array(await new Blob(parts).arrayBuffer()));
  }
}

function isDisconnect(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.NotConnected;
}
