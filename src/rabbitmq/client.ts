import { type AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client";
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import type { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import { AgentError } from "../errors.ts";
import type { AmqpAddress } from "../settings/amqp_address.ts";
import type { Connection, ConnectionOptions } from "./connection.ts";
import { classifyBrokerError } from "./errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { answerGreeting, type BrokerProduct, brokerProduct, type Credentials } from "./login.ts";

const CONNECT_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 1_000;
const FRAME_MAX = 131_072;
const METHOD = 1, HEARTBEAT = 8, CONNECTION = 10, START = 10, TUNE = 30;
/** Where the broker's wish for heartbeats stands in its frame, behind its limits of channels and frames. */
const TUNE_HEARTBEAT = 17;
const HEARTBEAT_FRAME = new Uint8Array([8, 0, 0, 0, 0, 0, 0, 206]);

/** Methods that the library keeps to itself. */
interface Private {
  onRead(chunk: Buffer): boolean;
  rejectConnect(cause: Error): void;
}

/**
 * The library's client with what it lacks (4.1.1): login by certificate, a watchdog that notices a dead peer while
 * writing, and no way for a failure to surface as an unhandled rejection or an exception in an event handler.
 */
class Client extends AMQPClient implements Connection {
  readonly address: string;
  product: BrokerProduct = { product: "unknown", version: "unknown", confirms: false };
  readonly #credentials: Credentials;
  readonly #heartbeat = new Heartbeat();
  /** Channels that are open; kept only of a broker that wants no heartbeats, and until it sends one. */
  #channels: AMQPChannel[] | undefined;
  #socketError: Error | undefined;

  constructor(address: AmqpAddress, options: ConnectionOptions) {
    // The library takes every option that tls.connect takes; without `host` an IPv6 address would keep its brackets.
    const tls = { servername: isIP(address.host) ? "" : address.host, ...options.tls, host: address.host };
    super(urlOf(address, options), tls);
    Object.defineProperty(this, "tlsOptions", { enumerable: false }); // a private key is nothing for loggers
    this.address = `${address.host}:${address.port}`;
    this.vhost = address.vhost;
    const { user = "guest", password = user === "guest" ? "guest" : "" } = address;
    const byCertificate = address.tls && address.user === undefined && options.tls?.cert !== undefined;
    this.#credentials = byCertificate ? undefined : { user, password };
    this.onerror = () => {}; // everything comes by `ondisconnect` and by rejections too
    const library = this as unknown as Private;
    const { onRead, rejectConnect } = library;
    library.rejectConnect = rejectConnect.bind(this); // passed on without its `this`
    library.onRead = (chunk) => {
      this.#heartbeat.heard();
      try {
        return onRead.call(this, chunk);
      } catch (cause) {
        const known = cause instanceof AgentError;
        this.abort(known ? cause : new Error("socket closed: the peer does not speak AMQP 0-9-1", { cause }));
        return false;
      }
    };
  }

  /** Connects and logs in, or throws an AgentError. */
  async open(signal: AbortSignal): Promise<void> {
    const attempted = `Cannot connect to RabbitMQ at "${this.address}"`;
    const user = this.#credentials?.user;
    const as = user === undefined ? "with the client certificate" : `as user "${user}"`;
    const seconds = CONNECT_TIMEOUT / 1000;
    const timer = setTimeout(() => this.abort(new Error(`no answer within ${seconds} s`)), CONNECT_TIMEOUT);
    const onAbort = () => this.abort(new Error("socket closed: no longer wanted"));
    signal.addEventListener("abort", onAbort);
    try {
      const connecting = this.connect();
      this.socket?.setNoDelay(true); // whatever is written is a whole batch
      this.socket?.setTimeout(0); // the library gives a login up after one heartbeat
      this.socket?.on("error", (error) => this.#socketError = error);
      if (signal.aborted) onAbort();
      await connecting;
    } catch (cause) {
      this.socket?.destroy();
      throw classifyBrokerError(this.#socketError ?? cause, `${attempted} ${as}, vhost "${this.vhost}"`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
    this.#watch(this.socket);
  }

  failure(cause: unknown): AgentError {
    return classifyBrokerError(
      this.#socketError ?? cause,
      `Lost the connection to RabbitMQ at "${this.address}"`,
    );
  }

  write(frames: Uint8Array, onWritten: () => void): void {
    this.socket?.write(frames, onWritten);
  }

  abort(cause: Error): void {
    this.socket?.destroy(cause);
  }

  async shutdown(): Promise<void> {
    this.#heartbeat.stop();
    const socket = this.socket;
    if (socket === undefined || socket.destroyed) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT);
    this.close().catch(() => socket.destroy());
    await closed;
    clearTimeout(timer);
  }

  /** The result is the library's; marked as handled because it drops some of them. */
  override send(bytes: Uint8Array): Promise<void> {
    const sent = super.send(bytes);
    sent.catch(() => {});
    return sent;
  }

  override async channel(id?: number): Promise<AMQPChannel> {
    const channel = await super.channel(id);
    const close = channel.close.bind(channel);
    channel.close = (...reason) => this.#unlessLost(close(...reason));
    if (this.#channels !== undefined) {
      this.#channels = [...this.#channels.filter(({ closed }) => !closed), channel];
    }
    return channel;
  }

  /**
   * Answers the broker's greeting itself, for the sake of EXTERNAL, and leaves every other frame to the library. A broker that wants no
   * heartbeats gets ours all the same: with 0 the library would agree to none, and nobody would notice a dead peer.
   */
  protected override parseFrames(view: AMQPView): void {
    const isAbout = (method: number) =>
      view.getUint8(0) === METHOD && view.getUint16(7) === CONNECTION && view.getUint16(9) === method;
    if (isAbout(TUNE) && view.getUint16(TUNE_HEARTBEAT) === 0) {
      view.setUint16(TUNE_HEARTBEAT, this.heartbeat);
      this.#channels = [];
    }
    if (view.getUint8(0) === HEARTBEAT) this.#channels = undefined; // it sends them
    if (!isAbout(START)) return super.parseFrames(view);
    this.product = brokerProduct(view);
    const name = { connection: this.name ?? "", platform: this.platform ?? "" };
    this.send(answerGreeting(view, this.#credentials, name));
  }

  /**
   * To the library a channel that is being closed is closed already, so that nobody who waits for the answer is told when the
   * connection ends before it comes.
   */
  async #unlessLost<T>(answer: Promise<T>): Promise<T> {
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const onClose = () => reject(new Error("socket closed"));
    const socket = this.socket?.once("close", onClose);
    return await Promise.race([answer, lost]).finally(() => socket?.off("close", onClose));
  }

  /** In place of the library's own timeout, which counts writing as a sign of life. */
  #watch(socket: Socket | undefined): void {
    socket?.setTimeout(0);
    if (this.heartbeat === 0) return;
    this.#heartbeat.start(this.heartbeat, {
      beat: () => void this.send(HEARTBEAT_FRAME),
      probe: () => this.#probe(),
      lost: (cause) => this.abort(cause),
    });
    socket?.once("close", () => this.#heartbeat.stop());
  }

  /**
   * RabbitMQ sends heartbeats where the client wants them, whatever it wants itself (3.10, 4.0). Another broker may insist, so it is
   * asked for what changes nothing: nobody consumes here with acknowledgements. Blocked, it would not answer.
   */
  #probe(): void {
    if (this.#channels === undefined) return;
    if (this.blocked !== undefined) this.#heartbeat.heard();
    else this.#channels.find(({ closed }) => !closed)?.basicQos(0).catch(() => {});
  }
}

/** Without user and virtual host: an empty password or the vhost "." would not survive the library's reading of them. */
function urlOf({ host, port, tls }: AmqpAddress, { heartbeat, connectionName }: ConnectionOptions): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  const parameters = new URLSearchParams({
    name: connectionName,
    heartbeat: String(heartbeat),
    frameMax: String(FRAME_MAX),
  });
  return `${tls ? "amqps" : "amqp"}://${name}:${port}?${parameters}`;
}

/**
 * Connects to this node and logs in.
 *
 * @throws AgentError
 */
export async function login(
  address: AmqpAddress,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const client = new Client(address, options);
  await client.open(signal);
  return client;
}
