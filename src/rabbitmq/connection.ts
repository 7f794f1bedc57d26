import { AMQPClient } from "@cloudamqp/amqp-client";
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import type { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import type { AmqpAddress } from "../settings/amqp_address.ts";
import { AgentError } from "../errors.ts";
import type { DeadLetterChannel } from "./dead_letters.ts";
import { classifyBrokerError } from "./errors.ts";
import type { ConsumingChannel, LockChannel } from "./lock.ts";
import { answerGreeting, type BrokerProduct, brokerProduct, type Credentials } from "./login.ts";
import type { TopologyChannel } from "./topology.ts";
import type { TrialChannel } from "./trial.ts";

/** TLS settings of `amqps` addresses; certificates and keys as PEM texts. */
export interface TlsOptions {
  /** Authorities to trust instead of the well-known ones. */
  readonly ca?: string;
  /** Client certificate; with it and no user in the address the certificate logs in (EXTERNAL). */
  readonly cert?: string;
  /** Private key of the client certificate. */
  readonly key?: string;
  /** Name that the broker's certificate must have; default: the host. */
  readonly servername?: string;
}

/** How to connect. */
export interface ConnectionOptions {
  /** Nodes of ONE cluster, tried one after the other from a random one on; at least one. */
  readonly addresses: readonly AmqpAddress[];
  /** TLS settings for `amqps`. */
  readonly tls?: TlsOptions;
  /** Whole seconds; 0: none. A connection on which nothing came for twice this time is dead. */
  readonly heartbeat: number;
  /** Name that the broker shows. */
  readonly connectionName: string;
}

/** A message that no queue takes, as it came back. */
export interface ReturnedMessage {
  /** Exchange it was published to; empty for the default one. */
  readonly exchange: string;
  /** Its routing key. */
  readonly routingKey: string;
  /** Its properties, headers included. */
  readonly properties: {
    readonly messageId?: string;
    readonly type?: string;
    readonly contentType?: string;
    readonly headers?: object;
  };
  /** Its body. */
  readonly body: Uint8Array | null;
}

/** A channel that publishes. */
export interface PublishingChannel extends ConsumingChannel {
  /** Number of the channel. */
  readonly id: number;
  /** Asks for confirms. */
  confirmSelect(): Promise<void>;
  /** Called with every confirm. */
  publishConfirmed(number: number, multiple: boolean, refused: boolean): void;
  /** Called with every returned message. */
  onReturn(message: ReturnedMessage): void;
  /** Called when the broker closes the channel, or the connection ends. */
  onerror(reason: string): void;
}

/** A channel of a connection. */
export type Channel = PublishingChannel & LockChannel & TopologyChannel & DeadLetterChannel & TrialChannel;

/** A connection to one node, logged in. */
export interface Connection {
  /** `host:port` of the node. */
  readonly address: string;
  /** What the broker says of itself. */
  readonly product: BrokerProduct;
  /** Most bytes of a frame; 0: no limit. */
  readonly frameMax: number;
  /** Nothing can be done on it any more. */
  readonly closed: boolean;
  /** Called when it ends otherwise than by `shutdown`. */
  ondisconnect?: (cause?: Error) => void;
  /** Called when the broker stops taking messages. */
  onblocked?: (reason: string) => void;
  /** Called when the broker takes messages again. */
  onunblocked?: () => void;
  /** Opens a channel. */
  channel(): Promise<Channel>;
  /** Writes frames; `onWritten` is called when their memory can be used again. */
  write(frames: Uint8Array, onWritten: () => void): void;
  /** The failure that ended the connection, by the socket's own error where there is one, else as the library says. */
  failure(cause: unknown): AgentError;
  /** Ends the connection at once. */
  abort(cause: Error): void;
  /** Closes gracefully within a second, else at once; never rejects. */
  shutdown(): Promise<void>;
}

const CONNECT_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 1_000;
const FRAME_MAX = 131_072;
const METHOD = 1, CONNECTION = 10, START = 10;
const HEARTBEAT_FRAME = new Uint8Array([8, 0, 0, 0, 0, 0, 0, 206]);
/** Half heartbeats without a byte after which more than two whole ones have passed. */
const SILENT_TICKS = 5;

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
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #silentTicks = 0;
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
      this.#silentTicks = 0;
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
    clearInterval(this.#watchdog);
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

  /** Answers the broker's greeting itself, for the sake of EXTERNAL, and leaves every other frame to the library. */
  protected override parseFrames(view: AMQPView): void {
    const greeting = view.getUint8(0) === METHOD && view.getUint16(7) === CONNECTION &&
      view.getUint16(9) === START;
    if (!greeting) return super.parseFrames(view);
    this.product = brokerProduct(view);
    const name = { connection: this.name ?? "", platform: this.platform ?? "" };
    this.send(answerGreeting(view, this.#credentials, name));
  }

  /**
   * The library's own timeout counts writing as a sign of life. Ticks are counted, not time: a process that was
   * stopped for a while does not take its own silence for the peer's. The heartbeats go out at every tick because the
   * library only answers the broker's, and the broker sends none while confirms trickle.
   */
  #watch(socket: Socket | undefined): void {
    socket?.setTimeout(0);
    if (this.heartbeat === 0) return;
    this.#silentTicks = 0;
    this.#watchdog = setInterval(() => {
      if (++this.#silentTicks >= SILENT_TICKS) {
        this.abort(new Error(`nothing received for ${2 * this.heartbeat} s`));
      } else this.send(HEARTBEAT_FRAME);
    }, this.heartbeat * 500);
    socket?.once("close", () => clearInterval(this.#watchdog));
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
 * Connects to the first node that takes us, from a random one on.
 *
 * @throws AgentError the first that somebody has to do something about, else the last
 */
export async function connect(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
  const { addresses } = options;
  const first = Math.floor(Math.random() * addresses.length);
  const failures: AgentError[] = [];
  for (const address of [...addresses.slice(first), ...addresses.slice(0, first)]) {
    const client = new Client(address, options);
    try {
      await client.open(signal);
      return client;
    } catch (cause) {
      failures.push(AgentError.from(cause));
      if (signal.aborted) break;
    }
  }
  throw failures.find(({ action }) => action === "stop") ?? failures.at(-1);
}
