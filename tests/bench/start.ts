import type { AgentSetup, BenchRig } from "./bench_rig.ts";
import { Consumer, now } from "./consumer.ts";
import { median } from "./statistics.ts";

/** From the start of a process to its first message at a consumer, in milliseconds: the middle of several starts. */
export async function measureStart(rig: BenchRig, setup: AgentSetup, times: number): Promise<number> {
  const measured: number[] = [];
  for (let i = 0; i < times; i++) {
    await using table = await rig.table({ rows: 100, bytes: 150 });
    await using consumer = await Consumer.start(rig.rabbitmq.url, table.name);
    const from = now();
    await using _agent = await rig.agent(table, setup);
    measured.push(await consumer.first - from);
  }
  return median(measured);
}
