import { AMQPClient, type AMQPMessage } from "@cloudamqp/amqp-client";
import type { QueueType } from "./load.ts";

/** The clock of this machine in milliseconds since 1970, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Reads a queue as fast as it can and tells of every message. */
export class Consumer implements AsyncDisposable {
  /** Messages so far. */
  count = 0;
  /** When the first one came. */
  readonly first: Promise<number>;
  /** Called with every message. */
  onMessage: (message: AMQPMessage, at: number) => void = () => {};
  readonly #client: AMQPClient;
  readonly #queue: string;

  private constructor(client: AMQPClient, queue: string, first: Promise<number>) {
    this.#client = client;
    this.#queue = queue;
    this.first = first;
  }

  /** Declares the queue as the agent does and starts. */
  static async start(url: string, queue: string, queueType: QueueType = "quorum"): Promise<Consumer> {
    const client = new AMQPClient(url);
    client.logger = undefined;
    await client.connect();
    client.socket?.setNoDelay(true);
    const channel = await client.channel();
    await channel.queueDeclare(queue, { durable: true }, { "x-queue-type": queueType });
    const { promise, resolve } = Promise.withResolvers<number>();
    const consumer = new Consumer(client, queue, promise);
    await channel.basicConsume(queue, { noAck: true }, (message) => {
      const at = now();
      if (consumer.count++ === 0) resolve(at);
      consumer.onMessage(message, at);
    });
    return consumer;
  }

  /** Deletes the queue and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const channel = await this.#client.channel();
    await channel.queueDelete(this.#queue);
    await this.#client.close();
  }
}
