import type { AmqpAddress } from "../settings/amqp_address.ts";
import { AgentError } from "../errors.ts";
import type { DeadLetterChannel } from "./dead_letters.ts";
import type { ConsumingChannel, LockChannel } from "./lock.ts";
import { login } from "./client.ts";
import type { BrokerProduct } from "./login.ts";
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
    try {
      return await login(address, options, signal);
    } catch (cause) {
      failures.push(AgentError.from(cause));
      if (signal.aborted) break;
    }
  }
  throw failures.find(({ action }) => action === "stop") ?? failures.at(-1);
}
