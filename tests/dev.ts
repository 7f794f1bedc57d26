import { AMQPClient } from "@cloudamqp/amqp-client";
import pg from "pg";
import { Cockroach } from "./support/cockroach.ts";
import { GuardedProcess } from "./support/guarded_process.ts";
import { freePort } from "./support/ports.ts";
import { RabbitMQ } from "./support/rabbitmq.ts";
import { print, say } from "./support/terminal.ts";

const QUEUE = "changes";
/** With `--once`, after so many messages the show is over. */
const MESSAGES_OF_ONE_SHOW = 20;
const CHANGES_EVERY = 700;

/** Resolves at Ctrl-C, or when the show is over. */
const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());
Deno.addSignalListener("SIGTERM", () => stop.abort());

/** The agent as a user runs it, with its log on this terminal. */
function startAgent(cockroach: Cockroach, broker: RabbitMQ, httpAddress: string): Promise<GuardedProcess> {
  const main = new URL("../src/main.ts", import.meta.url).pathname;
  const permissions = ["--allow-net", "--allow-env", "--allow-read"];
  return GuardedProcess.start({
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      ...permissions,
      main,
      "--table=foo",
      "--cursor-frequency=1s",
      "--log-format=pretty",
    ],
    env: {
      ...Deno.env.toObject(),
      DATABASE_URL: cockroach.url,
      AMQP_ADDR: broker.url,
      AMQP_QUEUE: QUEUE,
      PROMETHEUS_ADDR: httpAddress,
    },
  });
}

/** A trickle of changes; every third one updates, every seventh deletes. */
async function change(database: pg.Client, signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n++) {
    if (n % 7 === 0) await database.query("DELETE FROM foo WHERE id = $1", [n - 3]);
    else if (n % 3 === 0) {
      await database.query("UPDATE foo SET amount = amount + 0.01 WHERE id = $1", [n - 1]);
    } else {await database.query("INSERT INTO foo (id, name, amount) VALUES ($1, $2, $3)", [
        n,
        `row ${n}`,
        `${n}.50`,
      ]);}
    await pauseUnlessAborted(CHANGES_EVERY, signal);
  }
}

/** Prints what arrives in the queue, readably. */
async function consume(broker: RabbitMQ, onMessage: (count: number) => void): Promise<AMQPClient> {
  const client = new AMQPClient(broker.url);
  await client.connect();
  const channel = await client.channel();
  await channel.queueDeclare(QUEUE, { durable: true }, { "x-queue-type": "quorum" });
  let count = 0;
  await channel.basicConsume(QUEUE, { noAck: true }, (message) => {
    count++;
    const { properties } = message;
    print(
      `RabbitMQ #${count}  ${properties.type?.padEnd(6)} ${properties.messageId}  ${message.bodyString()}`,
    );
    onMessage(count);
  });
  return client;
}

function pauseUnlessAborted(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
  return promise;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function main(once: boolean): Promise<number> {
  say("dev: starting RabbitMQ and CockroachDB (a minute at the first time: packages are fetched)");
  await using services = new AsyncDisposableStack();
  const [broker, cockroach] = await Promise.all([RabbitMQ.start(), Cockroach.start()]);
  services.defer(() => broker.stop());
  services.defer(() => cockroach.stop());
  say(`dev: RabbitMQ (${broker.origin}) at ${broker.url}`);
  say(`dev: CockroachDB (${cockroach.origin}); connect with: psql "${cockroach.url}"`);

  const database = new pg.Client(cockroach.url);
  await database.connect();
  services.defer(() => database.end());
  await database.query("DROP TABLE IF EXISTS foo");
  await database.query("CREATE TABLE foo (id INT PRIMARY KEY, name STRING, amount DECIMAL)");
  await database.query("INSERT INTO foo VALUES (0, 'here before the agent', 1.10)");

  let shown = 0;
  const consumer = await consume(broker, (count) => {
    shown = count;
    if (once && count >= MESSAGES_OF_ONE_SHOW) stop.abort();
  });
  services.defer(async () => void await consumer.close());

  const httpAddress = `127.0.0.1:${freePort()}`;
  const agent = await startAgent(cockroach, broker, httpAddress);
  say(`dev: the agent serves http://${httpAddress}/ and http://${httpAddress}/metrics`);
  say(once ? `dev: ends after ${MESSAGES_OF_ONE_SHOW} messages` : "dev: Ctrl-C ends everything");
  const changes = change(database, stop.signal);
  const ended = await Promise.race([agent.exit, aborted(stop.signal)]) !== undefined;
  if (ended) say("dev: the agent ended by itself");
  stop.abort();
  await changes;
  const metrics = ended ? "" : await (await fetch(`http://${httpAddress}/metrics`)).text();
  say(
    `dev: ${shown} messages shown; /metrics says ${
      metrics.match(/^rabbitmq_messages_sent .*$/m)?.[0] ?? "nothing"
    }`,
  );
  agent.signal("SIGTERM");
  const code = await agent.exit;
  say(`dev: the agent ended with exit code ${code}; taking the services down`);
  return code;
}

Deno.exit(await main(Deno.args.includes("--once")));
