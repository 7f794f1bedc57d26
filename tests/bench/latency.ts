import { pause } from "../support/ports.ts";
import { openFeed } from "./bare_reader.ts";
import type { BenchRig } from "./bench_rig.ts";
import { Consumer, now } from "./consumer.ts";
import { wall } from "./message_time.ts";
import { type Percentiles, percentiles } from "./statistics.ts";

const ROWS = 20_000;
const ROW_BYTES = 150;
/** Compilers and caches have come to rest. */
const WARM_UP = 3_000;
/** How often the broker's own latency is asked, in milliseconds: as often as the simulator sends changes. */
const TICK = 10;

/** What agent and broker add to a bare reader of the same feed, change by change. */
export async function measureAdded(rig: BenchRig, rate: number, seconds: number): Promise<Percentiles> {
  await using table = await rig.table({ rows: ROWS, bytes: ROW_BYTES, rate });
  await using consumer = await Consumer.start(rig.rabbitmq.url, table.name);
  await using _agent = await rig.agent(table, { args: ["--initial-scan", "no"] });
  await consumer.first;
  const { connection, rows } = await openFeed(rig.cockroach.url, table.name, false);
  /** Arrival of a change by its timestamp, which is unique where every change is a transaction of its own. */
  const read = new Map<string, number>(), queued = new Map<string, number>();
  const reading = readTimes(rows, read);
  await pause(WARM_UP);
  consumer.onMessage = ({ properties }, at) => void queued.set(wall(properties.messageId ?? ""), at);
  await pause(seconds * 1000);
  rows.end();
  await reading;
  connection.close();
  const added = [...queued].flatMap(([timestamp, at]) => {
    const before = read.get(timestamp);
    return before === undefined ? [] : [at - before];
  });
  return percentiles(added);
}

async function readTimes(
  rows: { next(): Promise<readonly { readonly value: string | null }[] | undefined> },
  times: Map<string, number>,
): Promise<void> {
  for (let batch = await rows.next(); batch !== undefined; batch = await rows.next()) {
    const at = now();
    for (const { value } of batch) {
      const timestamp = /"updated": "(\d+)\./.exec(value ?? "")?.[1];
      if (timestamp !== undefined) times.set(timestamp, at);
    }
  }
}

/** What the broker takes by itself, from a bare publisher to the same consumer, at the same pace. */
export async function measureBroker(rig: BenchRig, rate: number, seconds: number): Promise<Percentiles> {
  const queue = `latency_${crypto.randomUUID().slice(0, 8)}`;
  await using consumer = await Consumer.start(rig.rabbitmq.url, queue);
  const channel = await rig.broker.channel();
  const sent = new Map<string, number>(), latencies: number[] = [];
  const all = Promise.withResolvers<void>();
  const messages = rate * seconds;
  consumer.onMessage = ({ properties: { messageId = "" } }, at) => {
    latencies.push(at - (sent.get(messageId) ?? NaN));
    if (latencies.length === messages) all.resolve();
  };
  const body = "x".repeat(ROW_BYTES);
  const started = now();
  while (sent.size < messages) {
    const due = Math.min(messages, Math.floor((now() - started) / 1000 * rate));
    while (sent.size < due) {
      const messageId = String(sent.size);
      sent.set(messageId, now());
      await channel.basicPublish("", queue, body, { messageId, deliveryMode: 2 });
    }
    await pause(TICK);
  }
  await all.promise;
  await channel.close();
  return percentiles(latencies);
}
