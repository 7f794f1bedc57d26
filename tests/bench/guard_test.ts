import assert from "node:assert/strict";
import { say } from "../support/terminal.ts";
import { BenchRig } from "./bench_rig.ts";
import { mean } from "./statistics.ts";
import { measureScan } from "./scan.ts";

/** What was measured on a quiet machine. */
const RECORD = new URL("guard.json", import.meta.url);
const LOAD = { messages: 60_000, queueType: "quorum", window: 1000 } as const;

Deno.test("The agent is at least half as fast, beside a bare publisher, as it was when that was recorded", async () => {
  const { ratio: recorded } = JSON.parse(await Deno.readTextFile(RECORD)) as { ratio: number };
  await using rig = await BenchRig.start({ bare: true });
  const first = await measureScan(rig, { ...LOAD, rowBytes: 150 });
  const bare = await rig.ceiling(first.bodyBytes, LOAD);
  const second = await measureScan(rig, { ...LOAD, rowBytes: 150 });
  const ratio = mean([first.rate, second.rate]) / bare.rate;
  say(`${Math.round(bare.rate)} msg/s bare, ratio ${ratio.toFixed(2)}; recorded: ${recorded}`);
  assert.ok(
    ratio >= recorded / 2,
    `the agent publishes ${ratio.toFixed(2)} of what a bare publisher does; ${recorded} was recorded`,
  );
});
