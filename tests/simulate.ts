import { parseArgs } from "node:util";
import { type Plan, planOf, shrink } from "./simulation/plan.ts";
import { simulate } from "./simulation/simulation.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string" },
    plan: { type: "string" },
  },
});

async function replay(plan: Plan): Promise<never> {
  const violation = await simulate(plan, { trace: (line) => console.log(line) });
  console.log(violation?.message ?? "All guarantees hold");
  Deno.exit(violation === undefined ? 0 : 1);
}

if (values.plan !== undefined) await replay(JSON.parse(values.plan));
if (values.seed !== undefined) await replay(planOf(Number(values.seed)));

const runs = Number(values.runs), started = performance.now();
for (let seed = 1; seed <= runs; seed++) {
  const plan = planOf(seed);
  const violation = await simulate(plan);
  if (violation !== undefined) {
    console.log(`seed ${seed} after ${performance.now() - started | 0} ms: ${violation.message}`);
    const { guarantee } = violation;
    const smallest = await shrink(plan, async (plan) => (await simulate(plan))?.guarantee === guarantee);
    console.log((await simulate(smallest))?.message, JSON.stringify(smallest));
    Deno.exit(1);
  }
}
console.log(`${runs} schedules, ${(runs / (performance.now() - started) * 1000).toFixed(0)} a second`);
