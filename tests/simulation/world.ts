import type { ErrorKind } from "../../src/errors.ts";
import { AgentError } from "../../src/errors.ts";
import { Database } from "./database.ts";
import type { Fault, Plan } from "./plan.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";

/** What a guarantee that is broken looks like. */
export class Violation extends Error {
  /** Which one. */
  readonly guarantee: string;

  /** Says which one, and how. */
  constructor(guarantee: string, what: string) {
    super(`${guarantee}: ${what}`);
    this.guarantee = guarantee;
    this.name = "Violation";
  }
}

/** What all the fakes of one schedule share. */
export class World {
  /** What the schedule is made of. */
  readonly plan: Plan;
  /** Decides what the plan leaves open. */
  readonly random: Random;
  /** Virtual time. */
  readonly scheduler: Scheduler;
  /** CockroachDB's rows. */
  readonly database: Database;
  /** Told what happens, for people who look for the cause of a violation. */
  readonly trace: ((text: string) => void) | undefined;
  /** Nothing goes wrong any more. */
  healed = false;
  /** The first violation. */
  violation: Violation | undefined;

  /** Nothing has happened yet. */
  constructor(plan: Plan, trace?: (line: string) => void) {
    this.plan = plan;
    this.random = new Random(~plan.seed);
    this.scheduler = new Scheduler(this.random.next);
    this.database = new Database(plan.keys);
    this.trace = trace && ((text) => trace(`${this.scheduler.now.toFixed(1).padStart(10)} ${text}`));
  }

  /** A guarantee is broken: the schedule ends here. */
  violate(guarantee: string, what: string): void {
    this.violation ??= new Violation(guarantee, what);
  }

  /** Whether this goes wrong now. */
  goesWrong(fault: Fault, share: number): boolean {
    if (this.healed || !this.plan.faults.includes(fault)) return false;
    if (!this.random.chance(share)) return false;
    this.trace?.(`fault: ${fault}`);
    return true;
  }

  /** How long something takes, in milliseconds: often next to nothing, sometimes long. */
  latency(): number {
    const { slowness } = this.plan;
    const longest = this.random.pick([0, 0, 1, 5, 20, 100 * slowness, 500 * slowness]);
    return Math.round(this.random.next() * longest);
  }
}

/** A failure that was injected. */
export function injected(kind: ErrorKind): AgentError {
  return new AgentError(kind, "Injected");
}
