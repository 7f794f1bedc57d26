import { AMQPClient } from "@cloudamqp/amqp-client";
import { AgentProcess } from "../support/agent_process.ts";
import { Cockroach } from "../support/cockroach.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { publishBare } from "./bare_publisher.ts";
import { BenchTable, type TableOptions } from "./bench_table.ts";
import type { Load, QueueType, Speed } from "./load.ts";
import { PerfTest } from "./perftest.ts";

/** How an agent is run. */
export interface AgentSetup {
  /** The compiled executable; by default the sources. */
  readonly executable?: string;
  /** More flags. */
  readonly args?: readonly string[];
}

/** What the benchmark works with: services, and the broker's ceiling. */
export class BenchRig implements AsyncDisposable {
  private constructor(
    readonly cockroach: Cockroach,
    readonly rabbitmq: RabbitMQ,
    /** RabbitMQ's own publisher, where it can be had. */
    readonly perfTest: PerfTest | undefined,
    readonly broker: AMQPClient,
  ) {}

  /** The services of this run, or some started for it. `bare`: never PerfTest. */
  static async start({ bare = false } = {}): Promise<BenchRig> {
    const [cockroach, rabbitmq, perfTest] = await Promise.all([
      Cockroach.start(),
      RabbitMQ.start(),
      bare ? undefined : PerfTest.find(),
    ]);
    const broker = new AMQPClient(rabbitmq.url);
    broker.logger = undefined;
    await broker.connect();
    return new BenchRig(cockroach, rabbitmq, perfTest, broker);
  }

  /** What moves the messages of the ceiling. */
  get ceilingName(): string {
    return this.perfTest?.name ?? "bare publisher";
  }

  /** A new table. */
  table(options: TableOptions): Promise<BenchTable> {
    return BenchTable.create(this.cockroach, options);
  }

  /** Starts an agent that publishes the table to a queue of the same name. */
  agent({ name }: BenchTable, { executable, args = [] }: AgentSetup): Promise<AgentProcess> {
    return AgentProcess.start({
      args: ["--table", name, ...args],
      env: {
        DATABASE_URL: this.cockroach.url,
        AMQP_ADDR: this.rabbitmq.url,
        AMQP_QUEUE: name,
        LOG_LEVEL: "info",
      },
      ...(executable === undefined ? {} : { executable }),
    });
  }

  /** How fast a bare publisher fills a new queue with bodies of so many bytes. The queue is deleted afterwards. */
  async ceiling(bytes: number, load: Load): Promise<Speed> {
    const queue = `ceiling_${crypto.randomUUID().slice(0, 8)}`;
    const { url } = this.rabbitmq;
    try {
      if (this.perfTest !== undefined) return await this.perfTest.publish(url, queue, bytes, load);
      await this.declareQueue(queue, load.queueType);
      return await publishBare({ url, queue, bytes, messages: load.messages, window: load.window });
    } finally {
      await this.deleteQueue(queue);
    }
  }

  /** Declares a queue as the agent does. */
  async declareQueue(queue: string, queueType: QueueType): Promise<void> {
    const channel = await this.broker.channel();
    await channel.queueDeclare(queue, { durable: true }, { "x-queue-type": queueType });
    await channel.close();
  }

  /** Deletes a queue with its messages: the broker's memory does not grow from run to run. */
  async deleteQueue(queue: string): Promise<void> {
    const channel = await this.broker.channel();
    await channel.queueDelete(queue);
    await channel.close();
  }

  /** Takes down what was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
    await Promise.all([this.cockroach.stop(), this.rabbitmq.stop()]);
  }
}
