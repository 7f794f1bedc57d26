import { connect, type Connection, type ConnectionOptions } from "./connection.ts";
import { classifyBrokerError, replyCode } from "./errors.ts";
import { takeLock } from "./lock.ts";

const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;

/**
 * The locks of feeds, for somebody who publishes none: whether a publisher runs, the broker alone knows. Connects when it
 * is first asked.
 */
export class PublisherLocks {
  readonly #options: ConnectionOptions;
  readonly #signal: AbortSignal;
  #connection: Promise<Connection> | undefined;

  /**
   * Does not connect yet.
   *
   * @param signal aborts the attempt
   */
  constructor(options: ConnectionOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /**
   * True while a publisher holds the lock of this name. It is only looked at: another connection's exclusive queue is
   * refused (405) even to who asks passively (RabbitMQ 3.10.8).
   *
   * @throws AgentError
   */
  async isHeld(name: string): Promise<boolean> {
    const channel = await this.#channel();
    try {
      await channel.queueDeclare(name, {
        passive: true,
        durable: false,
        autoDelete: false,
        exclusive: false,
      });
      await channel.close();
      return false;
    } catch (cause) {
      const code = replyCode(cause);
      if (code === RESOURCE_LOCKED) return true;
      if (code === NOT_FOUND) return false;
      throw classifyBrokerError(cause, `Cannot find out whether the lock "${name}" is held`);
    }
  }

  /**
   * Takes the lock, and keeps it until `close`; false while another connection has it.
   *
   * @throws AgentError
   */
  async take(name: string): Promise<boolean> {
    return await takeLock(await this.#channel(), name, () => {});
  }

  /** Closes the connection, which frees what was taken. Never rejects. */
  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.shutdown();
  }

  async #channel() {
    const connection = await (this.#connection ??= connect(this.#options, this.#signal));
    return await connection.channel().catch((cause) => {
      throw connection.failure(cause);
    });
  }
}
