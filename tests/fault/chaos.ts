import { Random } from "../simulation/random.ts";
import type { Verdict } from "../support/checker.ts";
import type { CockroachOptions } from "../support/cockroach.ts";
import { pause } from "../support/ports.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { say } from "../support/terminal.ts";
import { AgentPool } from "./agent_pool.ts";
import { type ChaosFault, chaosFaults, type ChaosSite, type Heal } from "./chaos_faults.ts";
import { Trial } from "./trial.ts";

/** How to run chaos. */
export interface ChaosOptions {
  /** How long new faults come, in milliseconds. */
  readonly duration: number;
  /** Plans the changes and the faults; when exactly they meet is up to the machine. */
  readonly seed?: number | undefined;
  readonly cockroach: CockroachOptions;
}

/** How often a fault happened alone, and what came of it. */
export interface FaultTally {
  readonly name: string;
  readonly times: number;
  readonly repeats: number;
  /** Most repeats that are allowed, all times together. */
  readonly allowed: number;
}

/** What came of it. */
export interface ChaosReport {
  readonly seed: number;
  readonly changes: number;
  /** Transactions whose outcome the workload had to look up. */
  readonly ambiguous: number;
  readonly tallies: readonly FaultTally[];
  /** Faults that happened on top of each other, by name. */
  readonly together: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  /** What must not be; empty when every guarantee held. */
  readonly violations: readonly string[];
}

/** The cause of what is repeated while several things are broken. */
export const SEVERAL = "several at once";
/** A broker that starts again and agents that back off for up to 10 s. */
const CALM_DEADLINE = 90_000;
const RATE = 500;
const LONGEST_FAULT = 5_000;
const MOST_AT_ONCE = 4;

/**
 * Breaks everything that can break, at random, alone and on top of each other, while rows change, and compares what lay
 * in the queue with what was committed. Between two rounds everything heals and catches up, so that a repeat has the
 * cause that stands before it in the queue.
 */
export async function runChaos({ duration, seed, cockroach }: ChaosOptions): Promise<ChaosReport> {
  await using trial = await Trial.start({ cockroach, seed, rabbitmq: { own: true } });
  await trial.rabbitmq.rememberQueues();
  await using toBroker = await TcpProxy.start(trial.rabbitmq.url);
  await using toDatabase = await TcpProxy.start(trial.cockroach.url);
  const options = {
    args: ["--amqp-heartbeat", "1s", "--emit-resolved"],
    env: {
      AMQP_ADDR: toBroker.through(trial.rabbitmq.url),
      DATABASE_URL: toDatabase.through(trial.cockroach.url),
    },
  };
  await using agents = new AgentPool(
    await trial.running(options, { rate: RATE }),
    () => trial.agent(options),
  );
  await agents.grow();
  const random = new Random(trial.seed);
  const rounds = new Rounds({ trial, toBroker, toDatabase, agents, random });
  const end = Date.now() + duration;
  while (Date.now() < end) await rounds.next();
  await trial.settle();
  await agents.stop();
  const { workload: { changes, ambiguous } } = trial, verdict = await trial.verdict();
  const tallies = rounds.tallies(verdict);
  const violations = violationsOf(verdict, tallies, await trial.cursor());
  return { seed: trial.seed, changes, ambiguous, tallies, together: rounds.together, verdict, violations };
}

/** Round after round: one fault or several, then calm. */
class Rounds {
  readonly #site: ChaosSite;
  readonly #faults: Readonly<Record<string, ChaosFault>>;
  readonly #alone: Record<string, number> = {};
  readonly together: Record<string, number> = {};
  #untried: string[] = [];

  constructor(site: ChaosSite) {
    this.#site = site;
    const { isSimulator } = site.trial.cockroach;
    const possible = Object.entries(chaosFaults(site)).filter(([, { simulated }]) =>
      !simulated || isSimulator
    );
    this.#faults = Object.fromEntries(possible);
  }

  async next(): Promise<void> {
    const { trial, agents, random } = this.#site;
    const names = random.chance(0.7) ? [this.#nextAlone()] : this.#pickSeveral();
    const alone = names.length === 1;
    const counts = alone ? this.#alone : this.together;
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    say(`chaos: ${names.join(", ")}`);
    await trial.witness.note(alone ? names[0]! : SEVERAL, await trial.cursor());
    const heals: Heal[] = [];
    for (const name of names) {
      heals.push(await this.#faults[name]!.begin(alone) ?? (() => {}));
      if (!alone) await pause(random.between(0, 1_000));
    }
    await pause(random.between(0, LONGEST_FAULT));
    for (const heal of heals) await heal();
    await trial.caughtUp(CALM_DEADLINE);
    await agents.check();
  }

  tallies({ repeats }: Verdict): FaultTally[] {
    return Object.entries(this.#faults).map(([name, fault]) => {
      const times = this.#alone[name] ?? 0;
      return { name, times, repeats: repeats[name] ?? 0, allowed: times === 0 ? 0 : times * fault.repeats };
    });
  }

  /** Every one in turn, in random order. */
  #nextAlone(): string {
    if (this.#untried.length === 0) {
      this.#untried = Object.keys(this.#faults).map((name) => ({ name, at: this.#site.random.next() }))
        .sort((a, b) => a.at - b.at).map(({ name }) => name);
    }
    return this.#untried.pop()!;
  }

  /** At most one of each part, in the order of the table. */
  #pickSeveral(): string[] {
    const { random } = this.#site;
    const all = Object.keys(this.#faults);
    const chosen = new Map<string, string>();
    const count = random.between(2, MOST_AT_ONCE);
    while (chosen.size < count) {
      const name = random.pick(all);
      chosen.set(this.#faults[name]!.part, name);
    }
    const names = new Set(chosen.values());
    return all.filter((name) => names.has(name));
  }
}

/** What breaks a guarantee. */
function violationsOf(
  verdict: Verdict,
  tallies: readonly FaultTally[],
  cursor: string | undefined,
): string[] {
  const { missing, unexpected, misordered, stale, ahead, backward, watermark, belowCursor, repeats } =
    verdict;
  const known = new Set([SEVERAL, ...tallies.map(({ name }) => name)]);
  return [
    ...missing.map((what) => `missing: ${what}`),
    ...unexpected.map((what) => `never committed: ${what}`),
    ...misordered.map((what) => `out of order: ${what}`),
    ...stale.map((what) => `not the newest: ${what}`),
    ...ahead.map((what) => `too early: ${what}`),
    ...backward.map((what) => `watermark goes back: ${what}`),
    ...(watermark === cursor ? [] : [`the last watermark is ${watermark}, the cursor ${cursor}`]),
    ...belowCursor.map((what) => `repeated at or below the cursor: ${what}`),
    ...tallies.filter(({ repeats, allowed }) => repeats > allowed)
      .map(({ name, repeats, allowed }) => `${name}: ${repeats} repeats, ${allowed} allowed`),
    ...Object.keys(repeats).filter((cause) => !known.has(cause))
      .map((cause) => `${repeats[cause]} repeats because of ${cause}`),
  ];
}
