import { type Check, fail, failed, failedNode, ok, once, type Outcome, warn } from "../check.ts";
import { AgentError } from "../errors.ts";
import type { AmqpAddress } from "../settings/amqp_address.ts";
import { hostPortText } from "../settings/host_port.ts";
import { connect, type Connection, type ConnectionOptions } from "./connection.ts";
import { takeLock } from "./lock.ts";
import { checkLosses } from "./loss_check.ts";
import { loginRemedy, permissionsRemedy } from "./remedies.ts";
import { ensureTopology, queueArguments as presentArguments, type TopologyOptions } from "./topology.ts";
import { tryBinding, tryDeclaring, tryPublishing } from "./trial.ts";

/** What is checked of RabbitMQ. */
export interface BrokerPreflightOptions extends ConnectionOptions, TopologyOptions {
  /** Name of the feed. */
  readonly feed: string;
  /** What keeps a second copy of the feed waiting. */
  readonly lock: "exclusive-queue" | "none";
}

/** The feed's lock, which is named after a cluster. */
export interface NamedLock {
  /** Its name; throws AgentError. */
  name(): Promise<string>;
  /** Names of the checks without which the cluster cannot be asked. */
  readonly needs: readonly string[];
}

/** The release that has quorum queues. */
const OLDEST = [3, 8] as const;

/** Whether a feed can publish to RabbitMQ: reached, logged in, allowed to, and with somewhere to publish to. */
export class BrokerPreflight {
  /** In the order in which they make sense. */
  readonly checks: readonly Check[];
  readonly #options: BrokerPreflightOptions;
  readonly #named: NamedLock;
  readonly #signal: AbortSignal;
  readonly #attempts: () => Promise<readonly (Connection | AgentError)[]>;
  readonly #publishing: () => Promise<{ readonly refusal?: AgentError; readonly alarm?: string }>;

  /**
   * Connects to nothing yet.
   *
   * @param signal aborts the attempts
   */
  constructor(options: BrokerPreflightOptions, named: NamedLock, signal: AbortSignal) {
    const { addresses, exchange, queue, deadLetterQueue, declare, lock } = options;
    this.#options = options;
    this.#named = named;
    this.#signal = signal;
    this.#attempts = once(() => Promise.all(addresses.map((address) => this.#connect(address))));
    this.#publishing = once(() => this.#publish());
    const nodes = addresses.map((address, index) => ({
      name: `RabbitMQ ${hostPortText(address)}`,
      run: () => this.#login(index),
    }));
    const needs = nodes.map(({ name }) => name);
    const places: Check[] = [];
    if (exchange !== undefined) {
      places.push({ name: `exchange ${exchange}`, needs, run: () => this.#exchange(exchange) });
    }
    if (queue !== undefined) {
      places.push({
        name: `queue ${queue}`,
        needs,
        run: () => this.#queue(queue, options),
      });
    }
    if (exchange !== undefined && queue !== undefined && declare === "if-missing") {
      const both = places.map(({ name }) => name);
      places.push({ name: "binding", needs: both, run: () => this.#binding(queue, exchange) });
    }
    if (deadLetterQueue !== undefined) {
      const plain = { ...options, queueArguments: {}, queueTypeGiven: false };
      const run = () => this.#queue(deadLetterQueue, plain);
      places.push({ name: `dead-letter queue ${deadLetterQueue}`, needs, run });
    }
    const published = exchange === undefined ? needs : [`exchange ${exchange}`];
    const locked = [...needs, ...named.needs];
    this.checks = [
      ...nodes,
      { name: "RabbitMQ version", needs, run: () => this.#version() },
      ...places,
      { name: "publishing", needs: published, run: () => this.#mayPublish() },
      { name: "alarms", needs, run: () => this.#alarms() },
      ...(lock === "none" ? [] : [{ name: "lock", needs: locked, run: () => this.#lock() }]),
    ];
  }

  /** Closes every connection. Never rejects. */
  async close(): Promise<void> {
    for (const attempt of await this.#attempts()) {
      if (!(attempt instanceof AgentError)) await attempt.shutdown();
    }
  }

  #connect(address: AmqpAddress): Promise<Connection | AgentError> {
    return connect({ ...this.#options, addresses: [address] }, this.#signal).catch(AgentError.from);
  }

  async #login(index: number): Promise<Outcome> {
    const attempts = await this.#attempts(), attempt = attempts[index]!;
    const address = this.#options.addresses[index]!;
    const user = this.#userOf(address);
    if (attempt instanceof AgentError) {
      const fix = loginRemedy(attempt, address, user, this.#permissions(address));
      return failedNode(attempt, fix, attempts.some((other) => !(other instanceof AgentError)));
    }
    return ok(`user "${user}", vhost "${address.vhost}", ${address.tls ? "TLS" : "not encrypted"}`);
  }

  async #version(): Promise<Outcome> {
    const { product, version, confirms } = (await this.#session()).product;
    if (!confirms) {
      return fail(`${product} ${version} has no publisher confirms`, "use RabbitMQ 3.8 or later");
    }
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const isOld = major < OLDEST[0] || major === OLDEST[0] && minor < OLDEST[1];
    const text = `${product} ${version}, confirms what is published`;
    if (product !== "RabbitMQ") return warn(`${text}; this program is tested with RabbitMQ`);
    return isOld ? warn(`${text}; it has no quorum queues`, "use RabbitMQ 3.8 or later") : ok(text);
  }

  async #exchange(exchange: string): Promise<Outcome> {
    const { queue: _, deadLetterQueue: __, ...options } = this.#options;
    await ensureTopology(await this.#session(), { ...options, exchange });
    return ok("it is there");
  }

  async #queue(queue: string, options: TopologyOptions): Promise<Outcome> {
    const { exchange: _, deadLetterQueue: __, ...rest } = options;
    const { declare, queueType, queueArguments } = options;
    const { connection, index } = await this.#first();
    const address = this.#options.addresses[index]!;
    try {
      await ensureTopology(connection, { ...rest, queue, declare: "never" });
      const args = await presentArguments(connection, queue);
      return checkLosses("it is there, as the settings ask for", { name: queue, args }, address);
    } catch (failure) {
      if (AgentError.from(failure).kind !== "Unroutable" || declare === "never") throw failure;
    }
    const refusal = await tryDeclaring(connection, queue, queueType, queueArguments);
    return refusal === undefined
      ? ok(`it is not there yet, and will be declared: ${queueType}`)
      : await this.#refused(refusal);
  }

  async #binding(queue: string, exchange: string): Promise<Outcome> {
    const refusal = await tryBinding(await this.#session(), queue, exchange);
    if (refusal !== undefined) return await this.#refused(refusal);
    const keys = this.#options.bindingKeys.map((key) => `"${key}"`).join(", ");
    return ok(`the queue will be bound to the exchange by ${keys}`);
  }

  async #mayPublish(): Promise<Outcome> {
    const { refusal } = await this.#publishing();
    return refusal === undefined ? ok("the user may publish") : await this.#refused(refusal);
  }

  async #alarms(): Promise<Outcome> {
    const { alarm } = await this.#publishing();
    if (alarm === undefined) return ok("none: the broker takes messages");
    return fail(`the broker takes no messages: ${alarm}; a feed waits`, "rabbitmq-diagnostics alarms");
  }

  /** With a connection of its own: one that publishes under an alarm is not read any more. */
  async #publish(): Promise<{ readonly refusal?: AgentError; readonly alarm?: string }> {
    const { exchange = "", deadLetterQueue } = this.#options;
    const { connection, release } = await this.#apart();
    const blocked = Promise.withResolvers<{ readonly alarm: string }>();
    connection.onblocked = (alarm) => blocked.resolve({ alarm });
    const published = async () => {
      const exchanges = deadLetterQueue === undefined ? [exchange] : [exchange, ""];
      for (const exchange of exchanges) {
        const refusal = await tryPublishing(connection, exchange);
        if (refusal !== undefined) return { refusal };
      }
      // The broker says that it is blocked before it answers what was published, or not at all.
      await (await connection.channel()).close();
      return {};
    };
    try {
      return await Promise.race([published(), blocked.promise]);
    } finally {
      await release();
    }
  }

  /** Taken and given back at once; a publisher that runs has it. */
  async #lock(): Promise<Outcome> {
    const name = await this.#named.name();
    const { connection, release } = await this.#apart();
    try {
      const taken = await takeLock(await connection.channel(), name, () => {});
      return ok(taken ? "free, and the user may take it" : "held: the feed runs");
    } catch (failure) {
      return await this.#refused(AgentError.from(failure));
    } finally {
      await release();
    }
  }

  async #refused(refusal: AgentError): Promise<Outcome> {
    const { index } = await this.#first();
    const denied = refusal.kind === "BrokerDenied";
    return failed(refusal, denied ? this.#permissions(this.#options.addresses[index]!) : undefined);
  }

  /** A connection of its own or, where a limit leaves none, the one that there is. */
  async #apart(): Promise<{ readonly connection: Connection; release(): Promise<void> }> {
    const { connection, index } = await this.#first();
    const addresses = [this.#options.addresses[index]!];
    try {
      const another = await connect({ ...this.#options, addresses }, this.#signal);
      return { connection: another, release: () => another.shutdown() };
    } catch (failure) {
      if (AgentError.from(failure).kind !== "BrokerLimit") throw failure;
      return { connection, release: () => Promise.resolve() };
    }
  }

  #permissions(address: AmqpAddress): string {
    const { exchange, queue, deadLetterQueue, declare, lock } = this.#options;
    const queues = [queue, deadLetterQueue].filter((name) => name !== undefined);
    return permissionsRemedy(address, this.#userOf(address), {
      declares: declare === "never" ? [] : queues,
      publishes: [exchange ?? "", ...(deadLetterQueue === undefined ? [] : [""])],
      binds: declare === "never" || exchange === undefined || queue === undefined
        ? undefined
        : { queue, exchange },
      locks: lock !== "none",
    });
  }

  #userOf({ user, tls }: AmqpAddress): string {
    return user ?? (tls && this.#options.tls?.cert !== undefined ? "the client certificate's" : "guest");
  }

  /** The first address that answers. */
  async #first(): Promise<{ readonly index: number; readonly connection: Connection }> {
    const attempts = await this.#attempts();
    const index = attempts.findIndex((attempt) => !(attempt instanceof AgentError));
    return { index, connection: attempts[index] as Connection };
  }

  async #session(): Promise<Connection> {
    return (await this.#first()).connection;
  }
}
