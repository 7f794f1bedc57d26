import { AgentError } from "../errors.ts";
import { classifyBrokerError, replyCode } from "./errors.ts";

/** An argument of a queue: text, whole number or yes/no. */
export type QueueArgument = string | number | boolean;

/** Where the messages go, and what may be declared for it. */
export interface TopologyOptions {
  /** Exchange to publish to; it must exist. With it `queue` says nothing. */
  readonly exchange?: string;
  /** Queue to publish to by the default exchange. */
  readonly queue?: string;
  /** Queue for dead letters, when they are wanted; declared like the other, without its arguments. */
  readonly deadLetterQueue?: string;
  /** Whether a missing queue is declared. */
  readonly declare: "if-missing" | "never";
  /** Type of a queue that is declared. */
  readonly queueType: "quorum" | "classic" | "stream";
  /** More arguments of a queue that is declared: `x-max-length`. */
  readonly queueArguments: Readonly<Record<string, QueueArgument>>;
  /** The operator asked for the type or the arguments: a queue that exists must have them. */
  readonly explicitArguments: boolean;
}

/** What topology needs of a channel; the broker closes it with every refusal. */
export interface TopologyChannel {
  /** Declares or, when `passive`, finds a queue. */
  queueDeclare(
    name: string,
    options: { passive?: boolean; durable?: boolean; autoDelete?: boolean; exclusive?: boolean },
    args?: Record<string, QueueArgument>,
  ): Promise<unknown>;
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
const PRECONDITION_FAILED = 406;

/**
 * Sees to it that messages have somewhere to go. What exists is taken as it is, transient queues too, unless the operator
 * asked for a type or arguments; only what is missing is declared.
 *
 * @throws AgentError
 */
export async function ensureTopology(channels: Channels, options: TopologyOptions): Promise<void> {
  const { exchange, queue = "", deadLetterQueue } = options;
  if (deadLetterQueue !== undefined) {
    await ensureQueue(channels, deadLetterQueue, {
      ...options,
      queueArguments: {},
      explicitArguments: false,
    });
  }
  if (exchange !== undefined) {
    await checkExchange(channels, exchange);
    return;
  }
  await ensureQueue(channels, queue, options);
}

async function ensureQueue(channels: Channels, queue: string, options: TopologyOptions): Promise<void> {
  const missing = await missingQueue(channels, queue);
  if (missing === undefined) {
    if (options.explicitArguments) await compareQueue(channels, queue, options);
  } else if (missing.kind !== "Unroutable") {
    throw missing;
  } else if (options.declare === "if-missing") {
    await declareQueue(channels, queue, options, true);
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
      {
        hint: "bind a queue with a matching key, or add an alternate exchange; then start again",
      },
    );
  } catch (cause) {
    return classifyBrokerError(cause, "Cannot find out why RabbitMQ returned a message");
  }
}

function checkExchange(channels: Channels, exchange: string): Promise<void> {
  return onChannel(
    channels,
    (channel) => channel.exchangeDeclare(exchange, "", { passive: true }),
    (cause) =>
      classifyBrokerError(
        cause,
        `Cannot find exchange "${exchange}"`,
        replyCode(cause) === NOT_FOUND
          ? "declare the exchange and bind a queue to it; then start again"
          : undefined,
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

/** A queue that exists is declared once more so that the broker compares; durability is no setting and may differ. */
async function compareQueue(channels: Channels, queue: string, options: TopologyOptions): Promise<void> {
  try {
    await declareQueue(channels, queue, options, true);
  } catch (cause) {
    const mismatch = AgentError.from(cause);
    if (!mismatch.message.includes("inequivalent arg 'durable'")) throw mismatch;
    await declareQueue(channels, queue, options, false);
  }
}

function declareQueue(
  channels: Channels,
  queue: string,
  { queueType, queueArguments }: TopologyOptions,
  durable: boolean,
): Promise<void> {
  const args = { "x-queue-type": queueType, ...queueArguments };
  return onChannel(
    channels,
    (channel) => channel.queueDeclare(queue, { durable, autoDelete: false, exclusive: false }, args),
    (cause) => {
      const differs = replyCode(cause) === PRECONDITION_FAILED;
      const hint = differs ? "correct --queue-type or --queue-argument, or delete the queue" : undefined;
      return classifyBrokerError(cause, `Cannot declare queue "${queue}"`, hint);
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
