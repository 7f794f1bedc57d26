import { pause } from "../support/ports.ts";
import type { AgentSetup, BenchRig } from "./bench_rig.ts";
import { Consumer, now } from "./consumer.ts";
import { committed } from "./message_time.ts";
import type { Speed } from "./load.ts";
import { type Percentiles, percentiles } from "./statistics.ts";
import { processUsage } from "./process_usage.ts";

/** A steady stream of changes. */
export interface SteadySpeed extends Speed {
  /** CPU of the whole process a message, user and system, in microseconds. */
  readonly cpuPerMessage: number;
  /** The most memory the process ever had, in bytes. */
  readonly peak: number;
  /** From the commit to a consumer of the queue. */
  readonly commitToQueue: Percentiles;
  /** Bytes of a message's properties as AMQP encodes them; 0 without any message. */
  readonly propertyBytes: number;
}

/** What changes how fast, for how long, and who publishes it. */
export interface SteadyOptions extends AgentSetup {
  /** Changes a second. */
  readonly rate: number;
  /** How long is measured, in seconds. */
  readonly seconds: number;
}

const ROWS = 20_000;
const ROW_BYTES = 150;
/** Compilers and caches have come to rest. */
const WARM_UP = 5_000;

/** Lets an agent publish changes while a consumer reads the queue, and measures after a warm-up. */
export async function measureSteady(rig: BenchRig, options: SteadyOptions): Promise<SteadySpeed> {
  const { rate, seconds, args = [] } = options;
  await using table = await rig.table({ rows: ROWS, bytes: ROW_BYTES, rate });
  await using consumer = await Consumer.start(rig.rabbitmq.url, table.name);
  await using agent = await rig.agent(table, { ...options, args: ["--initial-scan", "no", ...args] });
  await consumer.first;
  await pause(WARM_UP);
  const latencies: number[] = [];
  let propertyBytes = 0;
  const before = await processUsage(agent.pid);
  const from = now();
  consumer.onMessage = ({ properties: { messageId = "", contentType = "", type = "" } }, at) => {
    latencies.push(at - committed(messageId));
    propertyBytes = Math.max(propertyBytes, encodedBytes(contentType, messageId, type));
  };
  await pause(seconds * 1000);
  consumer.onMessage = () => {};
  const measured = (now() - from) / 1000;
  const after = await processUsage(agent.pid);
  return {
    rate: latencies.length / measured,
    cpuPerMessage: (after.cpu - before.cpu) / latencies.length,
    peak: after.peak,
    commitToQueue: percentiles(latencies),
    propertyBytes,
  };
}

/** Two bytes of flags, the delivery mode, and short strings. */
function encodedBytes(...shortStrings: readonly string[]): number {
  return shortStrings.reduce((sum, text) => sum + 1 + text.length, 2 + 1);
}
