import process from "node:process";
import { parseArgs } from "node:util";
import { type Plan, planOf } from "./simulation/plan.ts";
import { report, search } from "./simulation/search.ts";
import { simulate } from "./simulation/simulation.ts";

/** `--seed` or `--plan` shows one schedule, event by event; otherwise `--runs` schedules are run from seed `--from` on. */
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    plan: { type: "string" },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function show(plan: Plan): Promise<boolean> {
  const violation = await simulate(plan, { trace: print });
  print(violation === undefined ? "Every guarantee holds" : `Broken: ${violation.message}`);
  return violation === undefined;
}

async function run(first: number, runs: number): Promise<boolean> {
  const started = performance.now();
  const find = await search(first, runs);
  if (find !== undefined) print(report(find));
  else {
    const rate = runs / (performance.now() - started) * 1000;
    print(`${runs} schedules keep every guarantee (${rate.toFixed(0)} a second)`);
  }
  return find === undefined;
}

const holds = values.plan !== undefined
  ? await show(JSON.parse(values.plan))
  : values.seed !== undefined
  ? await show(planOf(Number(values.seed)))
  : await run(Number(values.from), Number(values.runs));
Deno.exit(holds ? 0 : 1);
