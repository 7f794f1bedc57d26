import { AgentError } from "../errors.ts";
import type { DeadLetter } from "../unpublishable.ts";
import { classifyBrokerError } from "./errors.ts";

/** What dead letters need of a channel. */
export interface DeadLetterChannel {
  /** Asks for confirms. */
  confirmSelect(): Promise<void>;
  /** Resolves when the message is confirmed; rejects when it is refused. */
  basicPublish(
    exchange: string,
    routingKey: string,
    body: Uint8Array,
    properties: Record<string, unknown>,
    mandatory: boolean,
  ): Promise<number>;
  /** Called with a returned message, before its confirm. */
  onReturn(message: object): void;
  /** Closes the channel. */
  close(): Promise<unknown>;
}

/** What dead letters need of a connection. */
export interface DeadLetterConnection {
  /** Opens a channel. */
  channel(): Promise<DeadLetterChannel>;
}

const PERSISTENT = 2;

/** The queue for what the broker will never take otherwise. Letters are rare: those that come together have a channel for a moment. */
export class DeadLetters {
  readonly #connection: DeadLetterConnection;
  readonly #queue: string;

  /** For one connection; `queue` is on the default exchange. */
  constructor(connection: DeadLetterConnection, queue: string) {
    this.#connection = connection;
    this.#queue = queue;
  }

  /**
   * Resolves when all letters are confirmed.
   *
   * @throws AgentError
   */
  async publish(letters: readonly DeadLetter[]): Promise<void> {
    const attempted = `Cannot publish to the dead-letter queue "${this.#queue}"`;
    let returned = false;
    try {
      const channel = await this.#connection.channel();
      channel.onReturn = () => returned = true;
      await channel.confirmSelect();
      await Promise.all(letters.map(({ body, messageId, ...properties }) => {
        const id = messageId === undefined ? {} : { messageId };
        const persistent = { ...properties, ...id, deliveryMode: PERSISTENT };
        return channel.basicPublish("", this.#queue, body, persistent, true);
      }));
      await channel.close();
    } catch (cause) {
      throw classifyBrokerError(cause, attempted);
    }
    if (returned) throw new AgentError("Unroutable", `${attempted}: it does not exist`);
  }
}
