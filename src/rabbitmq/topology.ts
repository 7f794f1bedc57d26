import { AgentError } from "../errors.ts";
import { classifyBrokerError, replyCode } from "./errors.ts";
import { compareQueue, type Declaration, presentArguments, type QueueArguments } from "./queue_comparison.ts";

/** Where the messages go, and what may be declared for it. */
export interface TopologyOptions {
  /** Exchange to publish to; it must exist. */
  readonly exchange?: string;
  /** Queue to publish to by the default exchange or, with `exchange`, to bind to that. */
  readonly queue?: string;
  /** Keys that bind the queue to the exchange, where both are given. */
  readonly bindingKeys: readonly string[];
  /** Queue for dead letters, when they are wanted; declared like the other, without its arguments. */
  readonly deadLetterQueue?: string;
  /** Whether a missing queue is declared, and the queue bound. */
  readonly declare: "if-missing" | "never";
  /** Type of a queue that is declared. */
  readonly queueType: "quorum" | "classic" | "stream";
  /** The operator asked for the type: a queue that exists must have it. */
  readonly queueTypeGiven: boolean;
  /** What the operator asked for besides, such as `x-max-length`: a queue that exists must have it. */
  readonly queueArguments: QueueArguments;
}

/** What topology needs of a channel; the broker closes it with every refusal. */
export interface TopologyChannel {
  /** Declares or, when `passive`, finds a queue. */
  queueDeclare(
    name: string,
    options: { passive?: boolean; durable?: boolean; autoDelete?: boolean; exclusive?: boolean },
    args?: QueueArguments,
  ): Promise<unknown>;
  /** Binds a queue to an exchange; nothing happens when it is bound so already. */
  queueBind(queue: string, exchange: string, bindingKey: string): Promise<unknown>;
  /** Finds an exchange. */
  exchangeDeclare(name: string, type: string, options: { passive: boolean }): Promise<unknown>;
  /** Closes the channel. */
  close(): Promise<unknown>;
}

/** What topology needs of a connection. */
export interface Channels {
  /** Opens a channel. */
  channel(): Promise<TopologyChannel>;
}

const PASSIVE = { passive: true, durable: false, autoDelete: false, exclusive: false };
const NOT_FOUND = 404;
const ACCESS_REFUSED = 403;
const PRECONDITION_FAILED = 406;

const BINDING_HINTS: Readonly<Record<number, string>> = {
  [ACCESS_REFUSED]:
    "grant the user write on the queue and read on the exchange, or bind it yourself: --declare never",
  [PRECONDITION_FAILED]: "the exchange wants another --binding-key; a consistent-hash exchange a number: 1",
};

/**
 * Sees to it that messages have somewhere to go. What exists is taken as it is, transient queues too, unless the operator
 * asked for a type or arguments; only what is missing is declared. Bindings are added, never taken away.
 *
 * @throws AgentError
 */
export async function ensureTopology(channels: Channels, options: TopologyOptions): Promise<void> {
  const { exchange, queue, deadLetterQueue, declare } = options;
  if (deadLetterQueue !== undefined) {
    await ensureQueue(channels, deadLetterQueue, { ...options, queueArguments: {}, queueTypeGiven: false });
  }
  if (exchange !== undefined) await checkExchange(channels, exchange);
  if (queue !== undefined) await ensureQueue(channels, queue, options);
  if (exchange === undefined || queue === undefined || declare === "never") return;
  for (const key of options.bindingKeys) await bindQueue(channels, queue, exchange, key);
}

async function ensureQueue(channels: Channels, queue: string, options: TopologyOptions): Promise<void> {
  const { declare, queueType, queueTypeGiven, queueArguments } = options;
  const missing = await missingQueue(channels, queue);
  const type = { "x-queue-type": queueType };
  if (missing === undefined) {
    const asked = { ...(queueTypeGiven ? type : {}), ...queueArguments };
    if (Object.keys(asked).length === 0) return;
    await compareQueue(queue, asked, (declaration) => declareQueue(channels, queue, declaration));
  } else if (missing.kind !== "Unroutable") {
    throw missing;
  } else if (declare === "if-missing") {
    const args = { ...type, ...queueArguments };
    await declareQueue(channels, queue, { durable: true, autoDelete: false, args });
  } else {
    const hint = "create the queue, or let it be declared: --declare if-missing";
    throw new AgentError("Unroutable", missing.message, { hint });
  }
}

/**
 * Why the broker returned a message: `Unroutable`, or `BrokerUnreachable` when its queue exists, which is back already
 * or on its way.
 *
 * @param exchange the exchange it was published to, empty for the default one
 * @param routingKey its routing key: a queue's name on the default exchange
 */
export async function explainReturn(
  channels: Channels,
  exchange: string,
  routingKey: string,
): Promise<AgentError> {
  try {
    if (exchange === "") {
      return await missingQueue(channels, routingKey) ??
        new AgentError(
          "BrokerUnreachable",
          `RabbitMQ returned a message though queue "${routingKey}" exists`,
        );
    }
    await checkExchange(channels, exchange);
    return new AgentError(
      "Unroutable",
      `No queue is bound to exchange "${exchange}" for a message's routing key`,
      { hint: "bind a queue to it, such as AMQP_QUEUE by --binding-key, or give it an alternate exchange" },
    );
  } catch (cause) {
    return classifyBrokerError(cause, "Cannot find out why RabbitMQ returned a message");
  }
}

/** What arguments a queue that exists has; `undefined` where that cannot be told, as without the permission to configure it. */
export function queueArguments(channels: Channels, queue: string): Promise<QueueArguments | undefined> {
  return presentArguments((declaration) => declareQueue(channels, queue, declaration));
}

function checkExchange(channels: Channels, exchange: string): Promise<void> {
  return onChannel(
    channels,
    (channel) => channel.exchangeDeclare(exchange, "", { passive: true }),
    (cause) =>
      classifyBrokerError(
        cause,
        `Cannot find exchange "${exchange}"`,
        replyCode(cause) !== NOT_FOUND
          ? undefined
          : exchange.startsWith("amq.")
          ? "names that begin with amq. are RabbitMQ's own, and it has none of this name: choose another"
          : `declare it: rabbitmqadmin declare exchange name='${exchange}' type=topic; AMQP_QUEUE can be bound to it`,
      ),
  );
}

/** `undefined` when the queue exists, else why it cannot be used. */
async function missingQueue(channels: Channels, queue: string): Promise<AgentError | undefined> {
  try {
    await onChannel(
      channels,
      (channel) => channel.queueDeclare(queue, PASSIVE),
      (cause) => classifyBrokerError(cause, `Cannot find queue "${queue}"`),
    );
    return undefined;
  } catch (cause) {
    return AgentError.from(cause);
  }
}

function declareQueue(
  channels: Channels,
  queue: string,
  { durable, autoDelete, args }: Declaration,
): Promise<void> {
  return onChannel(
    channels,
    (channel) => channel.queueDeclare(queue, { durable, autoDelete, exclusive: false }, args),
    (cause) => {
      const refused = replyCode(cause) === PRECONDITION_FAILED;
      const hint = refused
        ? 'correct --queue-argument or --queue-type; numbers, true and false are typed, "in quotes" they are text'
        : undefined;
      return classifyBrokerError(cause, `Cannot declare queue "${queue}"`, hint);
    },
  );
}

function bindQueue(channels: Channels, queue: string, exchange: string, key: string): Promise<void> {
  return onChannel(
    channels,
    (channel) => channel.queueBind(queue, exchange, key),
    (cause) => {
      const attempted = `Cannot bind queue "${queue}" to exchange "${exchange}" by --binding-key "${key}"`;
      return classifyBrokerError(cause, attempted, BINDING_HINTS[replyCode(cause) ?? 0]);
    },
  );
}

/** A refusal closes the channel, so every question has one of its own. */
async function onChannel(
  channels: Channels,
  ask: (channel: TopologyChannel) => Promise<unknown>,
  explain: (cause: unknown) => AgentError,
): Promise<void> {
  try {
    const channel = await channels.channel();
    await ask(channel);
    await channel.close();
  } catch (cause) {
    throw explain(cause);
  }
}
