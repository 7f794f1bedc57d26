import { AMQPClient, type AMQPMessage, type AMQPProperties } from "@cloudamqp/amqp-client";
import { until } from "./ports.ts";

/** A message as a consumer sees it. */
export interface Delivery {
  readonly body: string;
  readonly properties: AMQPProperties;
  readonly exchange: string;
  readonly routingKey: string;
}

/** Consumes a queue, in order, and keeps everything. */
export class QueueReader {
  /** What came so far. */
  readonly messages: Delivery[] = [];
  readonly #client: AMQPClient;
  readonly #queue: string;

  private constructor(client: AMQPClient, queue: string) {
    this.#client = client;
    this.#queue = queue;
  }

  /** Starts to consume; declares the queue as the agent does, when it is missing. */
  static async start(
    url: string,
    queue: string,
    args: Record<string, string | number> = { "x-queue-type": "quorum" },
  ) {
    const client = new AMQPClient(url);
    await client.connect();
    const channel = await client.channel();
    await channel.queueDeclare(queue, { durable: true }, args);
    const reader = new QueueReader(client, queue);
    const onMessage = (message: AMQPMessage) => {
      const { properties, exchange, routingKey } = message;
      reader.messages.push({ body: message.bodyString() ?? "", properties, exchange, routingKey });
    };
    await channel.basicConsume(queue, { noAck: true }, onMessage);
    return reader;
  }

  /** The bodies so far. */
  get bodies(): string[] {
    return this.messages.map(({ body }) => body);
  }

  /** Resolves when so many messages have come. */
  async count(least: number, deadline = 30_000): Promise<void> {
    await until(
      `${least} messages in "${this.#queue}" (${this.messages.length} came)`,
      deadline,
      () => this.messages.length >= least ? true : undefined,
    );
  }

  /** Deletes the queue and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    const channel = await this.#client.channel();
    await channel.queueDelete(this.#queue);
    await this.#client.close();
  }
}
