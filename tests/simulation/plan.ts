import type { OnExpiredCursor } from "../../src/gap.ts";
import { Random } from "./random.ts";

/** Everything that can go wrong; a plan has some of them, so that each also meets calm surroundings. */
export const FAULTS = [
  "feed-refused",
  "feed-broken",
  "feed-ended",
  "feed-silent",
  "scan-expired",
  "replay",
  "connect-refused",
  "drop",
  "half-open",
  "stuck",
  "nack",
  "return",
  "blocked",
  "store-refused",
  "store-lost",
  "store-late",
  "store-slow",
  "store-away",
  "hand",
  "hand-delete",
  "crash",
  "stop",
  "freeze",
  "cursor-expired",
  "store-denied",
] as const;

/** Something that can go wrong. */
export type Fault = typeof FAULTS[number];

/** What one schedule is made of. The same plan gives the same schedule. */
export interface Plan {
  /** Decides everything that the rest of the plan leaves open. */
  readonly seed: number;
  /** Transactions while things go wrong. */
  readonly commits: number;
  /** Keys, over all tables. */
  readonly keys: number;
  /** How long things go wrong, in milliseconds. */
  readonly duration: number;
  /** The feed starts with the whole tables. */
  readonly initialScan: boolean;
  /** The lock is on. */
  readonly lock: boolean;
  /** Processes of the agent; more than one needs the lock. */
  readonly agents: number;
  /** CockroachDB keeps its id from some of the processes, so that they do not know what the lock is called. */
  readonly idKept: boolean;
  /** Most messages in flight. */
  readonly maxInFlight: number;
  /** Most bytes in flight. */
  readonly maxInFlightBytes: number;
  /** How often a feed sends a resolved timestamp where it could: a share of the occasions. */
  readonly resolves: number;
  /** How long everything takes: 0 for almost no time. */
  readonly slowness: number;
  /** Events that end a schedule as stuck. */
  readonly mostSteps: number;
  /** What may go wrong. */
  readonly faults: readonly Fault[];
  /** What the agent does when garbage collection has overtaken the cursor. */
  readonly onExpiredCursor: OnExpiredCursor;
  /** The agent publishes watermarks. */
  readonly emitResolved: boolean;
  /** Where the feed ends; a time is this tick. */
  readonly end: "never" | "scan" | number;
  /** How often the cursor is stored, in milliseconds. */
  readonly cursorFrequency: number;
}

/** More ticks than pass while things go wrong. */
const END = 400;

/** The plan of this seed. */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const lock = random.chance(0.8);
  const share = random.pick([0.05, 0.15, 0.3]);
  const plan: Plan = {
    seed,
    commits: random.between(1, random.pick([3, 10, 30])),
    keys: random.between(1, 5),
    duration: random.pick([500, 3_000, 10_000, 10_000, 45_000]),
    initialScan: random.chance(0.5),
    lock,
    agents: lock && random.chance(0.3) ? 2 : 1,
    idKept: false,
    maxInFlight: random.pick([1, 2, 5, 20]),
    maxInFlightBytes: random.pick([50, 200, 100_000]),
    resolves: random.pick([0.03, 0.1, 0.3]),
    slowness: random.pick([0, 1, 1, 3]),
    mostSteps: 20_000,
    faults: tellable(FAULTS.filter(() => random.chance(share))),
    onExpiredCursor: random.pick(["fail", "rescan", "latest"]),
    end: random.pick(["never", "never", "never", "never", "never", "never", "scan", END]),
    emitResolved: random.chance(0.5),
    cursorFrequency: random.pick([0, 0, 3_000, 60_000]),
  };
  // With the claim a hand deletes what those who do not know the id go by.
  return { ...plan, idKept: lock && random.chance(0.3) && !plan.faults.includes("hand-delete") };
}

/** A late write of before can meet the cursor of before again where a hand moved it: nobody can tell the two apart. */
function tellable(faults: readonly Fault[]): readonly Fault[] {
  return faults.includes("hand") || faults.includes("hand-delete")
    ? faults.filter((fault) => fault !== "store-late")
    : faults;
}

/** The smallest plan found that still fails: without what is not needed for it. */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  for (let smaller = true; smaller;) {
    smaller = false;
    for (const candidate of smallerPlans(plan)) {
      if (!await fails(candidate)) continue;
      plan = candidate;
      smaller = true;
      break;
    }
  }
  return plan;
}

function* smallerPlans(plan: Plan): Iterable<Plan> {
  for (const fault of plan.faults) yield { ...plan, faults: plan.faults.filter((other) => other !== fault) };
  if (plan.agents > 1) yield { ...plan, agents: 1 };
  if (plan.idKept) yield { ...plan, idKept: false };
  if (plan.emitResolved) yield { ...plan, emitResolved: false };
  if (plan.cursorFrequency > 0) yield { ...plan, cursorFrequency: 0 };
  if (plan.initialScan) yield { ...plan, initialScan: false };
  if (plan.slowness > 0) yield { ...plan, slowness: 0 };
  for (const commits of new Set([1, plan.commits >> 1, plan.commits - 1])) {
    if (commits > 0 && commits < plan.commits) yield { ...plan, commits };
  }
  if (plan.keys > 1) yield { ...plan, keys: plan.keys - 1 };
  if (plan.duration > 500) yield { ...plan, duration: Math.max(500, plan.duration >> 1) };
}
