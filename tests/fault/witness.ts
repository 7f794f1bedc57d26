import { type AMQPChannel, AMQPClient, type AMQPMessage } from "@cloudamqp/amqp-client";
import type { Arrival, Entry, Note, SeenCursor, Watermark } from "../support/checker.ts";
import { until } from "../support/ports.ts";

/** What tells the test's own messages from the agent's. */
const OWN_TYPE = "test";
/** Header in which a test tells the agents apart. */
export const PUBLISHER = "publisher";
const ANSWER_DEADLINE = 5_000;
const NOTE_DEADLINE = 30_000;

/** A message of the test. */
type Own = Note | SeenCursor | { readonly kind: "end"; readonly id: string };

/** The library drops some of its promises; one that rejects would end the test run. */
class Client extends AMQPClient {
  override send(bytes: Uint8Array): Promise<void> {
    const sent = super.send(bytes);
    sent.catch(() => {});
    return sent;
  }
}

/**
 * Puts notes into the agent's queue, so that afterwards the queue itself tells what was in it at which moment, and
 * reads all of it at the end. Connects anew after a fault of the broker.
 */
export class Witness {
  /** The queue. */
  readonly queue: string;
  /** Of the nodes, the one that answered last first. */
  readonly #urls: string[];
  #client: Client | undefined;

  private constructor(urls: readonly string[], queue: string) {
    this.#urls = [...urls];
    this.queue = queue;
  }

  /** Declares the queue. */
  static async start(
    urls: readonly string[],
    queue: string,
    args: Record<string, string | number> = {},
  ): Promise<Witness> {
    const witness = new Witness(urls, queue);
    await witness.declare(args);
    return witness;
  }

  /** Declares the queue, again if it was deleted. */
  async declare(args: Record<string, string | number> = {}): Promise<void> {
    const all = { "x-queue-type": "quorum", ...args };
    await this.onChannel((channel) => channel.queueDeclare(this.queue, { durable: true }, all));
  }

  /** Deletes the queue with all that is in it. */
  async deleteQueue(): Promise<void> {
    await this.onChannel((channel) => channel.queueDelete(this.queue));
  }

  /** Does something else on a channel of its own. */
  async onChannel<T>(run: (channel: AMQPChannel) => Promise<T>): Promise<T> {
    const channel = await (await this.#connected()).channel();
    const result = await run(channel);
    await channel.close();
    return result;
  }

  /** Takes so many messages away, as a consumer would; they count as having been in the queue. */
  async take(count: number): Promise<Entry[]> {
    const taken: Entry[] = [];
    await this.#consume((message) => {
      const entry = read(message);
      if (entry.kind !== "end") taken.push(entry);
      return taken.length === count;
    }, count);
    return taken;
  }

  /** How many messages are ready in the queue. */
  async depth(): Promise<number> {
    return (await this.onChannel((channel) => channel.queueDeclare(this.queue, { passive: true })))
      .messageCount;
  }

  /** From here on, repeats are of this cause. Tries until the broker has it. */
  async note(cause: string, cursor?: string): Promise<void> {
    await until(`the note "${cause}"`, NOTE_DEADLINE, async () => {
      await this.#publish({ kind: "note", cause, cursor });
      return true;
    });
  }

  /** This cursor is stored. Not noted while the broker does not answer. */
  async saw(cursor: string): Promise<void> {
    await this.#publish({ kind: "cursor", cursor }).catch(() => undefined);
  }

  /** Everything in the queue, in order; it is empty afterwards. */
  async readAll(): Promise<Entry[]> {
    const id = crypto.randomUUID();
    await until("the end of the queue", NOTE_DEADLINE, async () => {
      await this.#publish({ kind: "end", id });
      return true;
    });
    const entries: Entry[] = [];
    await this.#consume((message) => {
      const entry = read(message);
      if (entry.kind !== "end") entries.push(entry);
      return entry.kind === "end" && entry.id === id;
    });
    return entries;
  }

  /** Deletes the queue and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.deleteQueue().catch(() => undefined); // the broker is down, or the queue is gone
    await this.#client?.close().catch(() => undefined);
  }

  async #consume(isLast: (message: AMQPMessage) => boolean, prefetch?: number): Promise<void> {
    const channel = await (await this.#connected()).channel();
    if (prefetch !== undefined) await channel.prefetch(prefetch);
    const { promise: last, resolve } = Promise.withResolvers<AMQPMessage>();
    const consumer = await channel.basicConsume(this.queue, { noAck: prefetch === undefined }, (message) => {
      if (isLast(message)) resolve(message);
    });
    const broken = consumer.wait();
    broken.catch(() => {}); // reported by the race, unless the last one has come before
    const message = await Promise.race([last, broken]);
    if (prefetch !== undefined && message !== undefined) await channel.basicAck(message.deliveryTag, true);
    await channel.close();
  }

  async #publish(own: Own): Promise<void> {
    const client = await this.#connected();
    const timer = setTimeout(() => giveUp(client), ANSWER_DEADLINE);
    try {
      const channel = await client.channel();
      await channel.confirmSelect();
      const properties = { type: OWN_TYPE, deliveryMode: 2 };
      await channel.basicPublish("", this.queue, JSON.stringify(own), properties);
      await channel.close();
    } catch (cause) {
      client.socket?.destroy();
      this.#client = undefined;
      this.#turn();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined && !this.#client.closed) return this.#client;
    const client = new Client(`${this.#urls[0]}?frameMax=131072`);
    client.logger = undefined;
    client.onerror = () => {};
    const timer = setTimeout(() => giveUp(client), ANSWER_DEADLINE);
    try {
      await client.connect();
    } catch (cause) {
      this.#turn();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
    return this.#client = client;
  }

  /** The next node may answer. */
  #turn(): void {
    this.#urls.push(this.#urls.shift()!);
  }
}

/** With an error: without one the library leaves whoever waits for the connection waiting. */
function giveUp(client: Client): void {
  client.socket?.destroy(new Error(`RabbitMQ does not answer within ${ANSWER_DEADLINE} ms`));
}

function read(message: AMQPMessage): Arrival | Watermark | Own {
  const body = message.bodyString() ?? "";
  if (message.properties.type === "resolved") {
    return { kind: "watermark", resolved: JSON.parse(body).resolved };
  }
  if (message.properties.type === OWN_TYPE) return JSON.parse(body) as Own;
  const { key, value } = JSON.parse(body) as { key: string; value: { after: { version: number } | null } };
  const [id] = JSON.parse(key) as number[];
  return {
    kind: "message",
    messageId: message.properties.messageId ?? "",
    key: Number(id),
    version: value.after?.version ?? null,
    publisher: message.properties.headers?.[PUBLISHER] as string | undefined,
  };
}
