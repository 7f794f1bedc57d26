import { type AMQPChannel, AMQPClient, type AMQPMessage } from "@cloudamqp/amqp-client";
import { AgentProcess } from "../../support/agent_process.ts";
import { Cockroach } from "../../support/cockroach.ts";
import { run } from "../../support/guarded_process.ts";
import { freePort, until } from "../../support/ports.ts";
import { RabbitMQ } from "../../support/rabbitmq.ts";
import { README } from "../../support/readme.ts";

/** The recipes of README's section Routing: each shell block by the comment in its first line. */
export const RECIPES: ReadonlyMap<string, string> = new Map(
  [...routing(Deno.readTextFileSync(README)).matchAll(/^```sh\n# (.*)\n([^]*?)^```$/gm)]
    .map(([, title = "", script = ""]) => [title, script]),
);

function routing(readme: string): string {
  return /^## Routing$[^]*?(?=^## )/m.exec(readme)?.[0] ?? "";
}

/**
 * Does what the recipe says in RabbitMQ, and prints how it would start the agent. RabbitMQ comes without the plugin for
 * deduplication; its exchange routes as a fanout one does.
 */
const SHELL = `set -euo pipefail
rabbitmqadmin() {
  python3 "$RABBITMQADMIN" --port "$MANAGEMENT_PORT" --vhost "$VHOST" "\${@/#type=x-message-deduplication/type=fanout}" >&2
}
crdb-changefeed-publisher() { printf '%s\\0' "\${AMQP_QUEUE-}" "$@"; }
`;

/** The services that all recipes share: a broker with the plugins that some of them need, and a CockroachDB. */
export class RecipeRig {
  readonly #rabbitmq: RabbitMQ;
  readonly #cockroach: Cockroach;
  readonly #env: Record<string, string>;
  #recipes = 0;

  private constructor(rabbitmq: RabbitMQ, cockroach: Cockroach, env: Record<string, string>) {
    this.#rabbitmq = rabbitmq;
    this.#cockroach = cockroach;
    this.#env = env;
  }

  /** Starts them, and takes `rabbitmqadmin` from the broker as README says. */
  static async start(): Promise<RecipeRig> {
    const managementPort = freePort();
    const plugins = ["rabbitmq_consistent_hash_exchange"];
    const [rabbitmq, cockroach] = await Promise.all([
      RabbitMQ.start({ own: true, plugins, managementPort }),
      Cockroach.start(),
    ]);
    const script = await until("the management plugin", 20_000, async () => {
      const response = await fetch(`http://127.0.0.1:${managementPort}/cli/rabbitmqadmin`);
      return response.ok ? await response.text() : undefined;
    });
    const path = await Deno.makeTempFile({ prefix: "rabbitmqadmin-" });
    await Deno.writeTextFile(path, script);
    const env = { RABBITMQADMIN: path, MANAGEMENT_PORT: String(managementPort) };
    return new RecipeRig(rabbitmq, cockroach, env);
  }

  /** Runs SQL in the tests' database, statement after statement. */
  async sql(...statements: string[]): Promise<void> {
    for (const statement of statements) await this.#cockroach.sql(statement);
  }

  /** Follows a recipe in a virtual host of its own, with tables `orders` and `customers` that hold these ids. */
  async follow(
    script: string,
    orders: readonly number[],
    customers: readonly number[] = [],
  ): Promise<Recipe> {
    const name = `recipe${++this.#recipes}`;
    for (const [table, ids] of Object.entries({ orders, customers })) {
      await this.sql(
        `DROP TABLE IF EXISTS ${table}`,
        `CREATE TABLE ${table} (id INT PRIMARY KEY, version INT)`,
      );
      const rows = ids.map((id) => `(${id}, 0)`).join(", ");
      if (rows !== "") await this.sql(`INSERT INTO ${table} VALUES ${rows}`);
    }
    const declareHost = 'rabbitmqadmin declare vhost name="$VHOST"\n';
    const env = { ...this.#env, VHOST: name };
    const printed = await run("bash", ["-c", SHELL + declareHost + script], { env });
    const [queue = "", ...args] = printed.split("\0").slice(0, -1);
    const broker = `${this.#rabbitmq.url}/${name}`;
    const agent = await AgentProcess.start({
      args,
      env: {
        DATABASE_URL: this.#cockroach.url,
        AMQP_ADDR: broker,
        AMQP_QUEUE: queue,
        CHANGEFEED_FEED: name,
        CHANGEFEED_CURSOR_FREQUENCY: "500ms",
      },
    });
    return await Recipe.start(agent, broker);
  }

  /** Takes everything down. */
  async stop(): Promise<void> {
    await Promise.all([this.#rabbitmq.stop(), this.#cockroach.stop()]);
    await Deno.remove(this.#env["RABBITMQADMIN"] ?? "");
  }
}

/** A recipe at work: the agent publishes as it says. */
export class Recipe {
  /** The agent that the recipe starts. */
  readonly agent: AgentProcess;
  readonly #client: AMQPClient;

  private constructor(agent: AgentProcess, client: AMQPClient) {
    this.agent = agent;
    this.#client = client;
  }

  /** Connects to the recipe's virtual host. */
  static async start(agent: AgentProcess, broker: string): Promise<Recipe> {
    const client = new AMQPClient(broker);
    client.logger = undefined;
    await client.connect();
    return new Recipe(agent, client);
  }

  /** Resolves when the agent has so many messages confirmed. */
  confirmed(count: number): Promise<void> {
    return this.agent.reaches("rabbitmq_messages_sent", count);
  }

  /** A channel of the recipe's virtual host. */
  channel(): Promise<AMQPChannel> {
    return this.#client.channel();
  }

  /** Takes everything that is in a queue now. */
  async drain(queue: string): Promise<AMQPMessage[]> {
    const channel = await this.channel();
    const messages: AMQPMessage[] = [];
    for (;;) {
      const message = await channel.basicGet(queue, { noAck: true });
      if (message === null) return messages;
      messages.push(message);
    }
  }

  /** Consumes a queue; gives the list that grows. */
  async consume(
    queue: string,
    options: { prefetch?: number; args?: Record<string, string | number> } = {},
  ): Promise<Consumption> {
    const channel = await this.channel();
    await channel.basicQos(options.prefetch ?? 100);
    const messages: AMQPMessage[] = [];
    const consumer = await channel.basicConsume(
      queue,
      { noAck: false, args: options.args ?? {} },
      (message) => {
        messages.push(message);
        return message.ack();
      },
    );
    return { messages, cancel: () => consumer.cancel() };
  }

  /** Stops the agent and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await this.#client.close();
  }
}

/** What a consumer got so far. */
export interface Consumption {
  readonly messages: readonly AMQPMessage[];
  /** Ends the consumer; what it has is acknowledged. */
  cancel(): Promise<unknown>;
}
