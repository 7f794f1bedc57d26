import { type Plan, planOf, shrink } from "./plan.ts";
import { simulate, type SimulationOptions } from "./simulation.ts";
import type { Violation } from "./world.ts";

/** A schedule that breaks a guarantee. */
export interface Find {
  /** The first seed that does. */
  readonly seed: number;
  /** What it breaks. */
  readonly violation: Violation;
  /** The smallest schedule found that breaks the same guarantee. */
  readonly smallest: Plan;
}

/** Runs the schedules of so many seeds, from the first one on, until one breaks a guarantee of this name. */
export async function search(
  first: number,
  runs: number,
  options: SimulationOptions = {},
  breaks = /./,
): Promise<Find | undefined> {
  for (let seed = first; seed < first + runs; seed++) {
    const plan = planOf(seed);
    const violation = await simulate(plan, options);
    if (violation === undefined || !breaks.test(violation.guarantee)) continue;
    const { guarantee } = violation;
    const fails = async (plan: Plan) => (await simulate(plan, options))?.guarantee === guarantee;
    return { seed, violation, smallest: await shrink(plan, fails) };
  }
}

/** What was found, and how to see it happen. */
export function report({ seed, violation, smallest }: Find): string {
  return `Seed ${seed} breaks ${violation.message}
See it happen:       deno task simulate --seed ${seed}
The smallest of it:  deno task simulate --plan '${JSON.stringify(smallest)}'`;
}
