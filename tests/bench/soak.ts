import { pause } from "../support/ports.ts";
import { say } from "../support/terminal.ts";
import type { BenchRig } from "./bench_rig.ts";
import { Consumer } from "./consumer.ts";
import { slope } from "./statistics.ts";
import { processUsage } from "./process_usage.ts";

/** What became of the memory. */
export interface SoakFigures {
  readonly minutes: number;
  /** Changes a second. */
  readonly rate: number;
  readonly messages: number;
  /** Growth of resident memory over the second half, in bytes an hour. */
  readonly growth: number;
  /** The most memory the process ever had, in bytes. */
  readonly peak: number;
}

const ROWS = 100_000;
const ROW_BYTES = 150;
const SAMPLE = 5_000;

/** Lets the executable publish for minutes and looks at its memory. */
export async function soak(
  rig: BenchRig,
  executable: string,
  rate: number,
  minutes: number,
): Promise<SoakFigures> {
  await using table = await rig.table({ rows: ROWS, bytes: ROW_BYTES, rate });
  await using consumer = await Consumer.start(rig.rabbitmq.url, table.name);
  await using agent = await rig.agent(table, { executable, args: ["--initial-scan", "no"] });
  await consumer.first;
  const samples: { x: number; y: number }[] = [];
  const end = Date.now() + minutes * 60_000;
  for (let minute = 0; Date.now() < end;) {
    await pause(SAMPLE);
    const { resident } = await processUsage(agent.pid);
    samples.push({ x: Date.now(), y: resident });
    if (++minute % 12 !== 0) continue;
    say(`soak: ${consumer.count.toLocaleString("en")} messages, ${(resident / 1e6).toFixed(0)} MB`);
  }
  const half = samples.slice(samples.length >> 1);
  const { peak } = await processUsage(agent.pid);
  return { minutes, rate, messages: consumer.count, growth: slope(half) * 3_600_000, peak };
}
