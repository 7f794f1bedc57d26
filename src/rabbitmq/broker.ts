import type { Broker, Outcomes } from "../session.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { classifyBrokerError } from "./errors.ts";
import type { Limits } from "./message_limits.ts";
import { type BrokerObserver, Publisher, type PublisherOptions } from "./publisher.ts";
import { ensureTopology, type TopologyOptions } from "./topology.ts";

/** RabbitMQ: how to reach it, and where the messages go. */
export interface RabbitMQOptions
  extends ConnectionOptions, TopologyOptions, Omit<PublisherOptions, "limits"> {}

/** In milliseconds: a broker whose heartbeats come, but no answer about its queues, is given up. */
const SETUP_TIMEOUT = 30_000;

/** RabbitMQ as the broker of a feed. */
export class RabbitMQBroker implements Broker {
  readonly #options: RabbitMQOptions;
  readonly #observe: BrokerObserver;
  readonly #limits: Limits = { maxBodyBytes: Infinity };

  /** Does not connect yet. */
  constructor(options: RabbitMQOptions, observe: BrokerObserver) {
    this.#options = options;
    this.#observe = observe;
  }

  /**
   * Connects, sees to the topology and opens a channel in confirm mode. Until the lock is taken nobody should publish.
   *
   * @param outcomes told what becomes of the messages
   * @param signal aborts the attempt
   * @throws AgentError
   */
  async connect(outcomes: Outcomes, signal: AbortSignal): Promise<Publisher> {
    const connection = await connect(this.#options, signal);
    const onAbort = () => connection.abort(new Error("socket closed: no longer wanted"));
    signal.addEventListener("abort", onAbort);
    const late = () =>
      connection.abort(new Error(`socket closed: no answer within ${SETUP_TIMEOUT / 1000} s`));
    const timer = setTimeout(late, SETUP_TIMEOUT);
    try {
      await ensureTopology(connection, this.#options);
      const channel = await connection.channel();
      await channel.confirmSelect();
      if (connection.closed) throw new Error("connection closed");
      return new Publisher(
        connection,
        channel,
        { ...this.#options, limits: this.#limits },
        outcomes,
        this.#observe,
      );
    } catch (cause) {
      await connection.shutdown();
      throw classifyBrokerError(cause, `Cannot open a channel to RabbitMQ at "${connection.address}"`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }
}
