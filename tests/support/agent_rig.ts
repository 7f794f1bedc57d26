import { AMQPClient } from "@cloudamqp/amqp-client";
import pg from "pg";
import { type AgentOptions, AgentProcess } from "./agent_process.ts";
import { Cockroach, type CockroachOptions } from "./cockroach.ts";
import { QueueReader } from "./queue_reader.ts";
import { RabbitMQ, type RabbitMQOptions } from "./rabbitmq.ts";

/** What a test of the whole agent works with: services, one SQL connection, and names that no other test has. */
export class AgentRig {
  /** A name for the table and the queue. */
  readonly name = `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  /** What the agent calls the feed of that table. */
  readonly feed: string;
  readonly #users: string[] = [];

  private constructor(
    readonly cockroach: Cockroach,
    readonly rabbitmq: RabbitMQ,
    readonly database: pg.Client,
  ) {
    this.feed = this.feedOf(this.name);
  }

  /** The services of this test run, or some started for this test. */
  static async start(options: CockroachOptions = {}, broker: RabbitMQOptions = {}): Promise<AgentRig> {
    const [cockroach, rabbitmq] = await Promise.all([Cockroach.start(options), RabbitMQ.start(broker)]);
    const database = new pg.Client(cockroach.url);
    database.on("error", () => {}); // faults of the tests hit this connection too
    await database.connect();
    return new AgentRig(cockroach, rabbitmq, database);
  }

  /** The default feed name of a table of this test's database. */
  feedOf(table: string): string {
    return `${this.cockroach.database}.public.${table}`;
  }

  /** Runs SQL, statement after statement. */
  async sql(...statements: string[]): Promise<void> {
    for (const statement of statements) await this.database.query(statement);
  }

  /** Creates a user of CockroachDB without any privilege, and gives this database's address as that user. */
  async createUser(password?: string): Promise<{ readonly name: string; readonly url: string }> {
    const name = `u_${crypto.randomUUID().slice(0, 8)}`;
    await this.sql(`CREATE USER ${name}${password === undefined ? "" : ` WITH PASSWORD '${password}'`}`);
    this.#users.push(name);
    const url = new URL(this.cockroach.url);
    url.username = name;
    url.password = encodeURIComponent(password ?? "");
    return { name, url: url.href };
  }

  /** Starts an agent on this test's table and queue; on no table if it is empty. An empty value takes a variable away. */
  agent(
    { table = this.name, args = [], env = {}, ...options }: Partial<AgentOptions> & { table?: string } = {},
  ): Promise<AgentProcess> {
    return AgentProcess.start({
      args: [...(table === "" ? [] : ["--table", table]), ...args],
      env: this.environment(env),
      ...options,
    });
  }

  /** The environment of an agent of this test, with changes. */
  environment(changes: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      DATABASE_URL: this.cockroach.url,
      AMQP_ADDR: this.rabbitmq.url,
      AMQP_QUEUE: this.name,
      CHANGEFEED_CURSOR_FREQUENCY: "500ms",
      ...changes,
    };
  }

  /** Starts to read this test's queue; declares it, with these arguments, when it is missing. */
  reader(args?: Record<string, string | number>): Promise<QueueReader> {
    return QueueReader.start(this.rabbitmq.url, this.name, args);
  }

  /** Runs something with a client of the broker. */
  async withBroker<T>(run: (client: AMQPClient) => Promise<T>): Promise<T> {
    const client = new AMQPClient(this.rabbitmq.url);
    client.logger = undefined;
    await client.connect();
    try {
      return await run(client);
    } finally {
      if (!client.closed) await client.close();
    }
  }

  /** The stored cursor of a feed, by default of this test's table. */
  async cursor(feed = this.feed): Promise<string | undefined> {
    const { rows } = await this.database.query("SELECT cursor FROM cursor_store WHERE key = $1", [feed]);
    return rows[0]?.cursor;
  }

  /** Takes down what was started for this test. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.withBroker(async (client) => {
      await (await client.channel()).queueDelete(this.name);
    });
    if (this.#users.length > 0) {
      await this.sql(`DROP DATABASE ${this.cockroach.database} CASCADE`); // with it goes what the users may do
      for (const user of this.#users) await this.sql(`DROP USER ${user}`);
    }
    await this.database.end();
    await Promise.all([this.cockroach.stop(), this.rabbitmq.stop()]);
  }
}
