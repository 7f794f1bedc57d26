import type { AgentSetup, BenchRig } from "./bench_rig.ts";
import type { Load, Speed } from "./load.ts";
import { processUsage } from "./process_usage.ts";

/** One initial scan. */
export interface ScanSpeed extends Speed {
  /** CPU of the whole process a message, user and system, in microseconds; without its start. */
  readonly cpuPerMessage: number;
  /** The most memory the process ever had, in bytes. */
  readonly peak: number;
  /** Bytes of a message's body. */
  readonly bodyBytes: number;
}

/** What is scanned, and by whom. */
export interface ScanOptions extends Load, AgentSetup {
  /** Length of a row's JSON, about. */
  readonly rowBytes: number;
  /** Over so many tables the rows are spread; default: 1. */
  readonly tables?: number;
}

const DEADLINE = 600_000;

/** Lets an agent publish whole tables to a new queue, which is deleted afterwards. */
export async function measureScan(rig: BenchRig, options: ScanOptions): Promise<ScanSpeed> {
  const { messages, rowBytes, tables = 1, queueType, window, args = [] } = options;
  await using all = new AsyncDisposableStack();
  const rows = { rows: messages / tables, bytes: rowBytes };
  const table = all.use(await rig.table(rows));
  const others: string[] = [];
  while (others.length < tables - 1) others.push(all.use(await rig.table(rows)).name);
  await using agent = await rig.agent(table, {
    ...options,
    args: [
      ...others.flatMap((name) => ["--table", name]),
      ...["--feed", table.name, "--queue-type", queueType, "--max-in-flight", String(window), ...args],
    ],
  });
  try {
    const started = await agent.said(({ message }) => message.startsWith("Sending the whole tables"));
    const before = await processUsage(agent.pid);
    const ended = await agent.said(
      ({ message }) => message === "The initial scan is confirmed",
      DEADLINE,
    );
    const after = await processUsage(agent.pid);
    const milliseconds = Date.parse(String(ended["time"])) - Date.parse(String(started["time"]));
    return {
      rate: messages / milliseconds * 1000,
      cpuPerMessage: (after.cpu - before.cpu) / messages,
      peak: after.peak,
      bodyBytes: await bodyBytes(rig, table.name, messages),
    };
  } finally {
    await rig.deleteQueue(table.name);
  }
}

/** Looks at one message, and makes sure that none is missing. */
async function bodyBytes(rig: BenchRig, queue: string, messages: number): Promise<number> {
  const channel = await rig.broker.channel();
  const message = await channel.basicGet(queue, { noAck: true });
  await channel.close();
  if (message === null || message.messageCount !== messages - 1) {
    throw new Error(`the queue holds ${(message?.messageCount ?? -1) + 1} messages, not ${messages}`);
  }
  return message.bodySize;
}
