import { AMQPClient } from "@cloudamqp/amqp-client";

/** A message in the dead-letter queue. */
export interface Dead {
  readonly messageId: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A dead-letter queue that a test can keep full. */
export class DeadLetterBox {
  /** Its name. */
  readonly queue: string = `dead-${crypto.randomUUID()}`;
  readonly #client: AMQPClient;

  private constructor(client: AMQPClient) {
    this.#client = client;
  }

  /** Connects; the agent declares the queue. */
  static async start(url: string): Promise<DeadLetterBox> {
    const client = new AMQPClient(url);
    client.logger = undefined;
    await client.connect();
    return new DeadLetterBox(client);
  }

  /** One that refuses every letter until it is emptied. */
  static async full(url: string): Promise<DeadLetterBox> {
    const box = await DeadLetterBox.start(url);
    const channel = await box.#client.channel();
    const args = { "x-max-length": 1, "x-overflow": "reject-publish" };
    await channel.queueDeclare(box.queue, { durable: true }, args);
    await channel.confirmSelect();
    await channel.basicPublish("", box.queue, "the first");
    await channel.close();
    return box;
  }

  /** Makes room. */
  async empty(): Promise<void> {
    const channel = await this.#client.channel();
    await channel.queuePurge(this.queue);
    await channel.close();
  }

  /** Takes all letters out. */
  async letters(): Promise<Dead[]> {
    const channel = await this.#client.channel();
    const letters: Dead[] = [];
    for (
      let next = await channel.basicGet(this.queue);
      next !== null;
      next = await channel.basicGet(this.queue)
    ) {
      const { messageId, headers } = next.properties;
      letters.push({ messageId, headers: { ...headers }, body: next.bodyString() ?? "" });
    }
    await channel.close();
    return letters;
  }

  /** Deletes the queue and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#client.channel()).queueDelete(this.queue);
    await this.#client.close();
  }
}
