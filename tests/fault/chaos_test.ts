import assert from "node:assert/strict";
import { say } from "../support/terminal.ts";
import { runChaos } from "./chaos.ts";
import { chaosTable } from "./chaos_table.ts";

const DURATION = 100_000;

Deno.test("any mix of faults, one after the other and on top of each other, loses nothing", async () => {
  const report = await runChaos({ duration: DURATION, cockroach: { simulator: true } });
  say(chaosTable(report));
  assert.deepEqual(report.violations, []);
});
