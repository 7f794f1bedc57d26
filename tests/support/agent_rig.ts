import pg from "pg";
import { type AgentOptions, AgentProcess } from "./agent_process.ts";
import { Cockroach } from "./cockroach.ts";
import { QueueReader } from "./queue_reader.ts";
import { RabbitMQ } from "./rabbitmq.ts";

/** What a test of the whole agent works with: services, one SQL connection, and names that no other test has. */
export class AgentRig {
  /** A name for the table and the queue. */
  readonly name = `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;

  private constructor(
    readonly cockroach: Cockroach,
    readonly rabbitmq: RabbitMQ,
    readonly database: pg.Client,
  ) {}

  /** The services of this test run, or some started for this test. */
  static async start(): Promise<AgentRig> {
    const [cockroach, rabbitmq] = await Promise.all([Cockroach.start(), RabbitMQ.start()]);
    const database = new pg.Client(cockroach.url);
    database.on("error", () => {}); // faults of the tests hit this connection too
    await database.connect();
    return new AgentRig(cockroach, rabbitmq, database);
  }

  /** Runs SQL, statement after statement. */
  async sql(...statements: string[]): Promise<void> {
    for (const statement of statements) await this.database.query(statement);
  }

  /** Starts an agent on this test's table and queue. */
  agent({ args = [], env = {}, ...options }: Partial<AgentOptions> = {}): Promise<AgentProcess> {
    return AgentProcess.start({
      args: ["--table", this.name, "--cursor-frequency", "500ms", ...args],
      env: { DATABASE_URL: this.cockroach.url, AMQP_ADDR: this.rabbitmq.url, AMQP_QUEUE: this.name, ...env },
      ...options,
    });
  }

  /** Starts to read this test's queue. */
  reader(): Promise<QueueReader> {
    return QueueReader.start(this.rabbitmq.url, this.name);
  }

  /** The stored cursor of a feed, by default of this test's table. */
  async cursor(feed = `${this.cockroach.database}.public.${this.name}`): Promise<string | undefined> {
    const { rows } = await this.database.query("SELECT cursor FROM cursor_store WHERE key = $1", [feed]);
    return rows[0]?.cursor;
  }

  /** Takes down what was started for this test. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.end();
    await Promise.all([this.cockroach.stop(), this.rabbitmq.stop()]);
  }
}
