import { parseArgs } from "node:util";
import { runChaos } from "./fault/chaos.ts";
import { chaosTable } from "./fault/chaos_table.ts";
import { OWN_COCKROACH } from "./fault/trial.ts";
import { print } from "./support/terminal.ts";

/** `--minutes` of random faults against the real processes; `--seed` plans the same changes and faults again. */
const { values } = parseArgs({
  options: { minutes: { type: "string", default: "5" }, seed: { type: "string" } },
});

const minutes = Number(values.minutes), seed = values.seed === undefined ? undefined : Number(values.seed);
if (!(minutes > 0) || Number.isNaN(seed)) {
  print("chaos: --minutes wants a number above 0, and --seed a number");
  Deno.exit(2);
}
const report = await runChaos({ duration: minutes * 60_000, seed, cockroach: OWN_COCKROACH });
print(chaosTable(report));
Deno.exit(report.violations.length === 0 ? 0 : 1);
