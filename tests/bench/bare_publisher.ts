import { Buffer } from "node:buffer";
import { connect } from "../../src/rabbitmq/connection.ts";
import { PublishFrames } from "../../src/rabbitmq/publish_frames.ts";
import { parseAmqpAddresses } from "../../src/settings/amqp_address.ts";
import { run } from "../support/guarded_process.ts";
import { print } from "../support/terminal.ts";
import type { Load, Speed } from "./load.ts";
import { processUsage } from "./process_usage.ts";

const MOST_PER_WRITE = 256;
const RUN_TIMEOUT = 180_000;

/** What a bare publisher has done and used. */
export interface BareSpeed extends Speed {
  /** CPU of its whole process a message, in microseconds. */
  readonly cpuPerMessage: number;
}

/** What to publish where; the queue exists. */
interface BareLoad extends Omit<Load, "queueType"> {
  readonly url: string;
  readonly queue: string;
  /** Length of the body. */
  readonly bytes: number;
}

/** Publishes in a process of its own. */
export async function publishBare(load: BareLoad): Promise<BareSpeed> {
  const program = new URL(import.meta.url).pathname;
  const args = ["run", "--quiet", "--allow-all", program, JSON.stringify(load)];
  return JSON.parse(await run(Deno.execPath(), args, { timeout: RUN_TIMEOUT })) as BareSpeed;
}

/** One message, encoded once and written again and again: no feed, no encoding, nothing but frames and confirms. */
async function publish({ url, queue, messages, bytes, window }: BareLoad): Promise<BareSpeed> {
  const addresses = parseAmqpAddresses(url);
  if (typeof addresses === "string") throw new Error(addresses);
  const options = { addresses, heartbeat: 5, connectionName: "bare publisher" };
  const connection = await connect(options, new AbortController().signal);
  const channel = await connection.channel();
  await channel.confirmSelect();
  const frames = copiesOf(queue, bytes, channel.id, connection.frameMax);
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let published = 0, confirmed = 0;
  const early = new Set<number>();
  channel.publishConfirmed = (number, multiple, refused) => {
    if (refused) reject(new Error("the broker refused a message"));
    if (multiple) {
      for (const each of early) if (each <= number) early.delete(each);
      confirmed = Math.max(confirmed, number);
    } else early.add(number);
    while (early.delete(confirmed + 1)) confirmed++;
    if (confirmed === messages) resolve();
    else fill();
  };
  connection.ondisconnect = (cause) => reject(cause ?? new Error("the broker has gone"));
  const fill = () => {
    for (;;) {
      const count = Math.min(MOST_PER_WRITE, messages - published, window - (published - confirmed));
      if (count <= 0) return;
      published += count;
      connection.write(frames.bytes.subarray(0, count * frames.each), () => {});
    }
  };
  const { cpu } = await processUsage(Deno.pid);
  const from = performance.now();
  fill();
  await done;
  const seconds = (performance.now() - from) / 1000;
  const used = (await processUsage(Deno.pid)).cpu - cpu;
  await connection.shutdown();
  return { rate: messages / seconds, cpuPerMessage: used / messages };
}

function copiesOf(
  queue: string,
  bytes: number,
  channel: number,
  frameMax: number,
): { readonly bytes: Buffer; readonly each: number } {
  const message = {
    body: "a".repeat(bytes),
    contentType: "application/json",
    messageId: "1795327222747839112-ABCDEFGHIJKLMNOP",
    type: "upsert",
    routingKey: queue,
    headers: undefined,
  };
  const writer = new PublishFrames(channel, "", frameMax);
  const one = Buffer.alloc(writer.bound(message));
  const each = writer.write(message, one, 0);
  return { bytes: Buffer.concat(Array(MOST_PER_WRITE).fill(one.subarray(0, each))), each };
}

if (import.meta.main) print(JSON.stringify(await publish(JSON.parse(Deno.args[0]!))));
