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

/** What is looked for, and where; everything has a default. */
export interface SearchOptions extends SimulationOptions {
  /** Name of the guarantee. */
  readonly breaks?: RegExp;
  /** Every plan is like this; what is not given is the seed's. */
  readonly plan?: Partial<Plan>;
}

/** Runs the schedules of so many seeds, from the first one on, until one breaks the guarantee. */
export async function search(
  first: number,
  runs: number,
  { breaks = /./, plan: given, ...options }: SearchOptions = {},
): Promise<Find | undefined> {
  for (let seed = first; seed < first + runs; seed++) {
    const plan = { ...planOf(seed), ...given };
    const violation = await simulate(plan, options);
    if (violation === undefined || !breaks.test(violation.guarantee)) continue;
    const { guarantee } = violation;
    const fails = async (plan: Plan) => (await simulate(plan, options))?.guarantee === guarantee;
    return { seed, violation, smallest: await shrink(plan, fails) };
  }
}

/** What was found, and how to see it happen, event by event. */
export function report({ seed, violation, smallest }: Find): string {
  return `Seed ${seed} breaks ${violation.message}
See it happen:  deno task simulate --plan '${JSON.stringify(smallest)}'`;
}
