// How fast the RabbitMQ adapter publishes, and what CPU it takes: deno run -A tests/bench/publisher.ts [MESSAGES] [WINDOW]
import process from "node:process";
import type { Message } from "../../src/encode.ts";
import { parseAmqpAddresses } from "../../src/settings/amqp_address.ts";
import { RabbitMQBroker } from "../../src/rabbitmq/broker.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { print, say } from "../support/terminal.ts";
import { AMQPClient } from "@cloudamqp/amqp-client";

const messages = Number(Deno.args[0] ?? 200_000);
const window = Number(Deno.args[1] ?? 1000);
const BODY_BYTES = 150;

const rabbitmq = await RabbitMQ.start();
try {
  for (const queueType of ["quorum", "classic"] as const) await measure(queueType);
} finally {
  await rabbitmq.stop();
}

async function measure(queueType: "quorum" | "classic"): Promise<void> {
  const addresses = parseAmqpAddresses(rabbitmq.url);
  if (typeof addresses === "string") throw new Error(addresses);
  const queue = `bench-${queueType}-${crypto.randomUUID()}`;
  const broker = new RabbitMQBroker({
    addresses,
    heartbeat: 5,
    connectionName: "bench",
    queue,
    declare: "if-missing",
    queueType,
    queueArguments: {},
    explicitArguments: false,
  }, { nacked() {}, returned() {}, blocked() {} });
  try {
    await publishTo(broker, queueType, queue);
  } finally {
    await deleteQueue(queue);
  }
}

async function publishTo(broker: RabbitMQBroker, queueType: string, queue: string): Promise<void> {
  const body = new Uint8Array(BODY_BYTES).fill(0x61);
  const message: Message = {
    body,
    contentType: "application/json",
    messageId: "1795327222747839112-ABCDEFGHIJKLMNOP",
    type: "upsert",
    routingKey: queue,
    headers: undefined,
  };
  const done = Promise.withResolvers<void>();
  let published = 0, confirmed = 0;
  const pending = new Set<number>();
  const session = await broker.connect({
    confirmed(number, multiple) {
      if (multiple) {
        for (let n = confirmed + 1; n <= number; n++) pending.delete(n);
        confirmed = number;
      } else pending.add(number);
      while (pending.delete(confirmed + 1)) confirmed++;
      fill();
    },
    failed(error) {
      done.reject(error);
    },
  }, new AbortController().signal);
  function fill(): void {
    while (published < messages && published - confirmed < window) {
      session.publish(message);
      published++;
    }
    if (confirmed >= messages) done.resolve();
  }
  const cpu = process.cpuUsage();
  const from = performance.now();
  fill();
  await done.promise;
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rate = Math.round(messages / seconds).toLocaleString("en");
  const each = ((user + system) / messages).toFixed(2);
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
  print(
    `${queueType}: ${rate} msg/s, ${each} µs CPU a message, RSS ${memory} MB (${messages} × ${BODY_BYTES} B, window ${window})`,
  );
  await session.close();
}

async function deleteQueue(queue: string): Promise<void> {
  say(`bench: deleting ${queue}`);
  const client = new AMQPClient(rabbitmq.url);
  await client.connect();
  await (await client.channel()).queueDelete(queue);
  await client.close();
}
