import { AMQPClient, type AMQPMessage } from "@cloudamqp/amqp-client";
import { connect, createServer, type Socket } from "node:net";
import { parseAmqpAddresses } from "../../src/settings/amqp_address.ts";
import type { Message } from "../../src/encode.ts";
import type { AgentError } from "../../src/errors.ts";
import { RabbitMQBroker, type RabbitMQOptions } from "../../src/rabbitmq/broker.ts";
import type { Publisher } from "../../src/rabbitmq/publisher.ts";

/** Options with the defaults of the command line; the queue is for this call alone. */
export function optionsFor(url: string, options: Partial<RabbitMQOptions> = {}): RabbitMQOptions {
  const addresses = parseAmqpAddresses(url);
  if (typeof addresses === "string") throw new Error(addresses);
  return {
    addresses,
    heartbeat: 5,
    connectionName: "crdb-changefeed-publisher test",
    queue: uniqueName(),
    declare: "if-missing",
    queueType: "classic",
    queueArguments: {},
    queueTypeGiven: false,
    bindingKeys: ["#"],
    onUnpublishable: "fail",
    ...options,
  };
}

/** A name that no other test has. */
export function uniqueName(): string {
  return `test-${crypto.randomUUID()}`;
}

/** A message to a queue by the default exchange. */
export function messageTo(routingKey: string, body: string = "{}"): Message {
  return {
    body,
    contentType: "application/json",
    messageId: "1795327222747839112-ABCDEFGHIJKLMNOP",
    type: "upsert",
    routingKey,
    headers: undefined,
  };
}

/** Records what becomes of the messages. */
export class Outcomes {
  readonly #failure = Promise.withResolvers<AgentError>();
  readonly #waiters: { readonly number: number; readonly resolve: () => void }[] = [];
  readonly #apart = new Set<number>();
  /** Everything up to this number is confirmed. */
  settled = 0;
  /** How often a failure was reported. */
  failures = 0;

  /** The first failure, when its cause is known. */
  get failure(): Promise<AgentError> {
    return this.#failure.promise;
  }

  confirmed(number: number, multiple: boolean): void {
    if (multiple) this.settled = Math.max(this.settled, number);
    else this.#apart.add(number);
    while (this.#apart.delete(this.settled + 1)) this.settled++;
    for (const { number, resolve } of this.#waiters) if (number <= this.settled) resolve();
  }

  failed(error: AgentError | Promise<AgentError>): void {
    this.failures++;
    this.#failure.resolve(error);
  }

  /** Resolves when everything up to the number is confirmed; rejects with the failure before that. */
  until(number: number): Promise<void> {
    if (number <= this.settled) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ number, resolve });
    return Promise.race([promise, this.failure.then((error) => Promise.reject(error))]);
  }
}

/** Counts what the metrics would. */
export class Observed {
  /** Messages refused. */
  nackedMessages = 0;
  /** Messages returned. */
  returnedMessages = 0;
  /** The broker's changes of mind. */
  readonly blockedChanges: boolean[] = [];
  /** What was passed over: `skip ID`. */
  readonly passedOver: string[] = [];
  #onBlocked: (() => void) | undefined;

  nacked(count: number): void {
    this.nackedMessages += count;
  }

  returned(): void {
    this.returnedMessages++;
  }

  unpublishable(action: string, identity: string | undefined): void {
    this.passedOver.push(`${action} ${identity}`);
  }

  blocked(blocked: boolean): void {
    this.blockedChanges.push(blocked);
    this.#onBlocked?.();
  }

  /** Resolves at the next change. */
  nextBlocked(): Promise<void> {
    return new Promise((resolve) => this.#onBlocked = resolve);
  }
}

/** A session with everything that can be seen of it. */
export interface Session {
  readonly publisher: Publisher;
  readonly outcomes: Outcomes;
  readonly observed: Observed;
  readonly queue: string;
}

/** Connects, runs the test and closes. */
export async function withSession(
  options: RabbitMQOptions,
  test: (session: Session) => Promise<void>,
): Promise<void> {
  const outcomes = new Outcomes();
  const observed = new Observed();
  const broker = new RabbitMQBroker(options, observed);
  const publisher = await broker.connect(outcomes, new AbortController().signal);
  try {
    await test({ publisher, outcomes, observed, queue: options.queue ?? "" });
  } finally {
    await publisher.close();
  }
}

/** Runs the test with a plain client, for looking at the broker from outside. */
export async function withClient<T>(url: string, test: (client: AMQPClient) => Promise<T>): Promise<T> {
  const client = new AMQPClient(`${url}?frameMax=131072`);
  client.logger = undefined;
  await client.connect();
  try {
    return await test(client);
  } finally {
    if (!client.closed) await client.close();
  }
}

/** Deletes queues of the test. */
export function deleteQueues(url: string, ...queues: string[]): Promise<void> {
  return withClient(url, async (client) => {
    const channel = await client.channel();
    for (const queue of queues) await channel.queueDelete(queue);
  });
}

/** Takes this many messages from a queue, by a real consumer. */
export function takeMessages(url: string, queue: string, count: number): Promise<AMQPMessage[]> {
  return withClient(url, async (client) => {
    const channel = await client.channel();
    await channel.basicQos(1000);
    const messages: AMQPMessage[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    await channel.basicConsume(queue, { noAck: true }, (message) => {
      messages.push(message);
      if (messages.length === count) resolve();
    });
    await promise;
    return messages;
  });
}

/** A TCP proxy whose connections a test can cut or stall. */
export class Proxy {
  readonly #server = createServer();
  readonly #pairs: [Socket, Socket][] = [];
  /** The address to use instead of the broker's. */
  url = "";

  /** Listens in front of the broker of this address. */
  static async start(target: string): Promise<Proxy> {
    const proxy = new Proxy();
    const { hostname, port } = new URL(target);
    proxy.#server.on("connection", (near) => {
      const far = connect(Number(port), hostname);
      proxy.#pairs.push([near, far]);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    const address = proxy.#server.address();
    const url = new URL(target);
    url.port = String(typeof address === "object" ? address?.port : 0);
    proxy.url = url.href;
    return proxy;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  /** Goes on taking what the client sends, and passes nothing on in either direction. */
  stall(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.resume();
      far.pause();
    }
  }

  /** Cuts everything and stops listening. */
  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
