import type { AgentError } from "../errors.ts";
import { classifyBrokerError, reply, replyCode } from "./errors.ts";
import type { QueueArguments } from "./queue_comparison.ts";

/** What a trial needs of a channel; the broker closes it with every refusal. */
export interface TrialChannel {
  /** Begins a transaction, and another one whenever one ends. */
  txSelect(): Promise<unknown>;
  /** Ends the transaction as if nothing had been published. */
  txRollback(): Promise<unknown>;
  /** Publishes; a refusal closes the channel. */
  basicPublish(
    exchange: string,
    routingKey: string,
    body: Uint8Array,
    properties: Record<string, unknown>,
    mandatory: boolean,
  ): Promise<number>;
  /** Declares a queue. */
  queueDeclare(
    name: string,
    options: { durable: boolean; autoDelete: boolean; exclusive: boolean },
    args: QueueArguments,
  ): Promise<unknown>;
  /** Deletes a queue without messages. */
  queueDelete(name: string, options: { ifUnused: boolean; ifEmpty: boolean }): Promise<unknown>;
  /** Takes a binding away; nothing happens when there is none. */
  queueUnbind(queue: string, exchange: string, bindingKey: string): Promise<unknown>;
  /** Closes the channel. */
  close(): Promise<unknown>;
}

/** What a trial needs of a connection. */
export interface TrialConnection {
  /** Opens a channel. */
  channel(): Promise<TrialChannel>;
}

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;
const IMPOSSIBLE = "x-max-priority";

/**
 * Why the user may not publish to an exchange; `undefined` when he may. The transaction is rolled back: RabbitMQ has looked at
 * exchange and permissions by then, and routes only what is committed (`rabbit_channel`, 3.8 to 4.x; seen on 3.10.8).
 */
export function tryPublishing(
  connection: TrialConnection,
  exchange: string,
): Promise<AgentError | undefined> {
  return attempt(connection, `Cannot publish to exchange "${exchange || "amq.default"}"`, async (channel) => {
    await channel.txSelect();
    await channel.basicPublish(exchange, unheardOf(), new Uint8Array(), {}, false);
    await channel.txRollback();
  });
}

/*
 * Queues and bindings know no transactions. But RabbitMQ looks at permissions before anything else, so these ask for what cannot be
 * had for another reason, or is nothing: whether the permission is the reason says whether it would be allowed, and nothing is
 * left behind.
 */

/** Why a queue that is missing cannot be declared so; `undefined` when it can. */
export function tryDeclaring(
  connection: TrialConnection,
  queue: string,
  type: "quorum" | "classic" | "stream",
  args: QueueArguments,
): Promise<AgentError | undefined> {
  // Replicated queues are always durable, which is looked at last. Classic ones may be anything: so an argument is wrong,
  // one that every release knows and looks at behind most others.
  const isClassic = type === "classic";
  const impossible = { "x-queue-type": type, ...args, ...(isClassic ? { [IMPOSSIBLE]: -1 } : {}) };
  return attempt(connection, `Cannot declare queue "${queue}"`, async (channel) => {
    await channel.queueDeclare(
      queue,
      { durable: isClassic, autoDelete: false, exclusive: false },
      impossible,
    );
    await channel.queueDelete(queue, { ifUnused: true, ifEmpty: true });
  }, (cause) => {
    const { code, text = "" } = reply(cause) ?? {};
    const argument = /^PRECONDITION_FAILED - invalid arg '([^']+)'/.exec(text)?.[1];
    return code === PRECONDITION_FAILED &&
      (argument === undefined || isClassic && argument === IMPOSSIBLE);
  }, "correct --queue-argument or --queue-type");
}

/** Why the user may not bind the queue to the exchange; `undefined` when he may: who may bind may take a binding away. */
export function tryBinding(
  connection: TrialConnection,
  queue: string,
  exchange: string,
): Promise<AgentError | undefined> {
  return attempt(
    connection,
    `Cannot bind queue "${queue}" to exchange "${exchange}"`,
    (channel) => channel.queueUnbind(queue, exchange, unheardOf()),
    (cause) => replyCode(cause) === NOT_FOUND,
  );
}

function unheardOf(): string {
  return `changefeed.check.${crypto.randomUUID()}`;
}

async function attempt(
  connection: TrialConnection,
  attempted: string,
  ask: (channel: TrialChannel) => Promise<unknown>,
  isBesideThePoint: (cause: unknown) => boolean = () => false,
  hint?: string,
): Promise<AgentError | undefined> {
  try {
    const channel = await connection.channel();
    await ask(channel);
    await channel.close();
    return undefined;
  } catch (cause) {
    const refusal = classifyBrokerError(cause, attempted, hint);
    return refusal.kind !== "BrokerLimit" && isBesideThePoint(cause) ? undefined : refusal;
  }
}
