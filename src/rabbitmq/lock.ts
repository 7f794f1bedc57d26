import { classifyBrokerError, replyCode } from "./errors.ts";

/** What keeps the lock needs of a channel. */
export interface ConsumingChannel {
  /** Consumes from a queue; `wait` of the consumer rejects when the broker ends it. */
  basicConsume(
    queue: string,
    options: { noAck: boolean; exclusive: boolean },
    callback: () => void,
  ): Promise<{ wait(): Promise<void> }>;
}

/** What the lock needs of a channel. */
export interface LockChannel extends ConsumingChannel {
  /** Declares a queue; rejects when the broker refuses it. */
  queueDeclare(
    name: string,
    options: { durable: boolean; autoDelete: boolean; exclusive: boolean },
    args: Record<string, string>,
  ): Promise<unknown>;
  /** Closes the channel. */
  close(): Promise<unknown>;
}

const ACCESS_REFUSED = 403;
const RESOURCE_LOCKED = 405;

/**
 * Takes the lock of a feed: a queue that the broker gives to one connection only, for as long as that lives (G6). It is
 * consumed from, else an `expires` policy could take it away.
 *
 * @param channel a channel for this alone
 * @param name the queue's name
 * @param onLost called when the broker takes the lock away while the connection lives, or the consuming channel ends
 * @param keeper a channel that consumes in its place, so that it can be closed: a connection may have but two
 * @returns false while another connection holds it; the channel is closed then
 * @throws AgentError
 */
export async function takeLock(
  channel: LockChannel,
  name: string,
  onLost: (cause: unknown) => void,
  keeper?: ConsumingChannel,
): Promise<boolean> {
  try {
    await channel.queueDeclare(
      name,
      { durable: false, autoDelete: false, exclusive: true },
      { "x-queue-type": "classic" },
    );
    const consumer = await (keeper ?? channel).basicConsume(name, { noAck: true, exclusive: true }, () => {});
    consumer.wait().catch(onLost);
    if (keeper !== undefined) await channel.close();
    return true;
  } catch (cause) {
    const code = replyCode(cause);
    if (code === RESOURCE_LOCKED) return false;
    const hint = code === ACCESS_REFUSED ? "let the user declare the queue, or use --lock none" : undefined;
    throw classifyBrokerError(cause, `Cannot take the lock "${name}"`, hint);
  }
}
