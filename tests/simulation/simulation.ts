import { Agent, type AgentObserver } from "../../src/agent.ts";
import { type EncodeOptions, messageEncoder, watermarkEncoder } from "../../src/encode.ts";
import { AgentError } from "../../src/errors.ts";
import type { FeedEnd } from "../../src/feed_end.ts";
import { unpublishableHandler } from "../../src/unpublishable.ts";
import { AgentProcess } from "./agent_process.ts";
import { FakeBroker } from "./broker.ts";
import { Checks } from "./checks.ts";
import { FakeCursorStore, FakeCursorTable } from "./cursor_store.ts";
import { hlcOfTick, TABLES, tickOfHlc } from "./database.ts";
import { FakeHandover, FakeHandoverTable } from "./handover.ts";
import type { Plan } from "./plan.ts";
import { FakeSource } from "./source.ts";
import { type Violation, World } from "./world.ts";

/** How long healing may take, in milliseconds: longer than every time limit of the agent together. */
const PATIENCE = 300_000;
const DRAIN_TIMEOUT = 20_000;

const MESSAGE: EncodeOptions = {
  format: "value",
  feed: "feed",
  routingKey: "{table}",
  tables: new Map(TABLES.map((table) => [table, { schema: "public", database: "d" }])),
  standardHeaders: false,
  headers: {},
};
const encode = messageEncoder(MESSAGE), encodeWatermark = watermarkEncoder(MESSAGE);

const unpublishable = unpublishableHandler("fail", { unpublishable: () => {} });

/** Settings of a run beside the plan. */
export interface SimulationOptions {
  /** The agent under test; a broken one proves that the checks find what is broken. */
  readonly agent?: typeof Agent;
  /** The broker confirms what it has received, although it may lose it. */
  readonly brokerLies?: boolean;
  /** Told what happens. */
  readonly trace?: (line: string) => void;
}

/** Runs one schedule to its end; returns the first violation. */
export async function simulate(plan: Plan, options: SimulationOptions = {}): Promise<Violation | undefined> {
  return await new Simulation(plan, options).run();
}

/** One schedule: agents on a database, a broker and a cursor store that all misbehave until they are healed. */
class Simulation {
  readonly #plan: Plan;
  readonly #agent: typeof Agent;
  readonly #world: World;
  readonly #checks: Checks;
  readonly #broker: FakeBroker;
  readonly #table: FakeCursorTable;
  readonly #handover = new FakeHandoverTable();
  readonly #running: (AgentProcess | undefined)[] = [];
  readonly #stopping = new Map<AgentProcess, number>();
  /** Places of processes that have reached the end, and are not started again. */
  readonly #finished = new Set<number>();
  #started = 0;
  #handMoves = 0;
  #over = false;

  constructor(plan: Plan, { agent = Agent, brokerLies = false, trace }: SimulationOptions) {
    this.#plan = plan;
    this.#agent = agent;
    this.#world = new World(plan, trace);
    this.#checks = new Checks(this.#world, () => this.#table, this.#handover, () => this.#broker.holders);
    this.#broker = new FakeBroker(this.#world, this.#checks, brokerLies);
    this.#table = new FakeCursorTable(this.#world, this.#checks);
  }

  async run(): Promise<Violation | undefined> {
    const { random, scheduler } = this.#world, { commits, duration, agents } = this.#plan;
    for (let n = random.between(0, 4); n > 0; n--) this.#commit();
    for (let slot = 0; slot < agents; slot++) this.#start(slot);
    for (let n = 0; n < commits; n++) this.#at(random.next() * duration, () => this.#commit());
    this.#planTrouble();
    scheduler.after(duration + 1, () => this.#heal());
    await this.#runUntil(() =>
      this.#world.healed && (this.#plan.end === "never" ? this.#isUpToDate : this.#isOver)
    );
    this.#over = true;
    for (const process of this.#running) if (process !== undefined) this.#stop(process);
    await this.#runUntil(() => this.#running.every((process) => process === undefined));
    if (this.#world.violation === undefined) this.#checks.finish();
    for (const process of this.#running) process?.end();
    return this.#world.violation;
  }

  get #isUpToDate(): boolean {
    return this.#checks.complete && !this.#running.includes(undefined);
  }

  /** Every process has ended by itself. */
  get #isOver(): boolean {
    return this.#finished.size === this.#plan.agents;
  }

  async #runUntil(done: () => boolean): Promise<void> {
    const world = this.#world, { scheduler } = world;
    const latest = this.#plan.duration + PATIENCE;
    while (world.violation === undefined && !done()) {
      if (!await scheduler.step()) world.violate("G8", "nothing is pending, and not everything is published");
      else if (scheduler.now > latest || scheduler.steps > this.#plan.mostSteps) {
        world.violate("G8", "it does not come to an end");
      }
    }
  }

  #at(time: number, run: () => void): void {
    this.#world.scheduler.after(Math.round(time), run);
  }

  #commit(): void {
    const { random, database } = this.#world;
    const rows = [...Array(this.#plan.keys).keys()].filter(() => random.chance(0.3));
    database.commit(rows.length > 0 ? rows : [random.between(0, this.#plan.keys - 1)], random.chance(0.2));
  }

  #planTrouble(): void {
    const { random } = this.#world, { faults, duration } = this.#plan;
    const trouble: Partial<Record<typeof faults[number], () => void>> = {
      "crash": () => this.#crash(),
      "stop": () => this.#forRunning((process) => this.#stop(process)),
      "freeze": () => this.#forRunning((process) => process.freeze(random.between(0, 20_000))),
      "blocked": () => {
        this.#broker.block(true);
        this.#at(random.next() * duration, () => this.#broker.block(false));
      },
      "store-away": () => this.#table.awayUntil = this.#world.scheduler.now + random.next() * duration,
      "hand": () => this.#moveByHand(),
      "hand-delete": () => {
        if (this.#table.row.position !== undefined) this.#table.write(undefined, "hand");
        if (random.chance(0.5)) this.#table.claims.push(undefined);
      },
    };
    for (const fault of faults) {
      const happens = trouble[fault];
      if (happens === undefined) continue;
      for (let n = random.between(1, 3); n > 0; n--) this.#at(random.next() * duration, happens);
    }
  }

  #heal(): void {
    this.#world.trace?.("everything is healed");
    this.#world.healed = true;
    this.#table.awayUntil = 0;
    this.#broker.heal();
    // Changes above the end, which nobody is to publish.
    if (typeof this.#plan.end === "number") this.#world.database.passTo(this.#plan.end);
    if (this.#plan.end !== "never") this.#commit();
  }

  /** To any point in time, but to none where the cursor ever was: nobody could tell that it was changed. */
  #moveByHand(): void {
    const { random, database } = this.#world;
    if (this.#table.row.position === undefined) return;
    const fraction = ++this.#handMoves / 1000;
    this.#table.write({
      cursor: hlcOfTick(random.between(10, database.tick) + fraction),
      scanning: false,
    }, "hand");
  }

  #start(slot: number): void {
    const process = new AgentProcess(`agent ${++this.#started}`, this.#world);
    const { lock, maxInFlight, maxInFlightBytes } = this.#plan;
    this.#running[slot] = process;
    const options = { feed: "feed", lock, maxInFlight, maxInFlightBytes, drainTimeout: DRAIN_TIMEOUT };
    const agent = new this.#agent(options, {
      source: new FakeSource(process, this.#checks),
      broker: this.#broker.seenBy(process),
      cursorStore: new FakeCursorStore(this.#table, process),
      cursorFrequency: this.#plan.cursorFrequency,
      handover: new FakeHandover(
        this.#handover,
        process,
        this.#checks,
        () => this.#table.claim?.process === process,
      ),
      tables: TABLES,
      onExpiredCursor: this.#plan.onExpiredCursor,
      initialScan: this.#plan.initialScan || this.#plan.end === "scan",
      end: endOf(this.#plan),
      encode,
      encodeWatermark: this.#plan.emitResolved ? encodeWatermark : undefined,
      unpublishable,
      observe: this.#observer(process),
      clock: process,
      random: this.#world.random.next,
    });
    const ended = (error?: AgentError) => {
      const asked = this.#stopping.get(process);
      if (error === undefined ? asked === undefined : error.kind === "ConfigInvalid") {
        this.#finished.add(slot);
      }
      this.#checks.ended(process, error, asked && this.#world.scheduler.now - asked);
      this.#gone(slot, process);
    };
    agent.run(process.stop.signal).then(() => ended(), (cause) => ended(AgentError.from(cause)));
  }

  #observer(process: AgentProcess): AgentObserver {
    const ledger = this.#checks.ledger(process), { trace } = this.#world;
    const nothing = () => {};
    return {
      relay: { received: nothing, dropped: nothing, resolved: nothing },
      state: (state) => trace?.(`${process.name} is ${state}`),
      unscoped: nothing,
      broker: nothing,
      confirmed: nothing,
      feed: nothing,
      complete: (cursor) => trace?.(`${process.name} is complete at ${cursor}`),
      checkpoint: (resolved) => {
        trace?.(`${process.name} has everything confirmed up to ${resolved}`);
        ledger.checkpoint(tickOfHlc(resolved));
      },
      cursorStored: nothing,
      cursorWaits: (error) => trace?.(`${process.name} cannot store the cursor: ${error.kind}`),
      gap: nothing,
      guardFull: () => {},
      handoverFailed: () => ledger.handoverFailed = true,
      failed: (error, retryIn) => {
        trace?.(`${process.name} fails: ${error.kind}: ${error.message}`);
        ledger.failed(error, retryIn);
      },
    };
  }

  #forRunning(act: (process: AgentProcess) => void): void {
    const running = this.#running.filter((process) => process !== undefined);
    if (running.length > 0) act(this.#world.random.pick(running));
  }

  #stop(process: AgentProcess): void {
    if (this.#stopping.has(process)) return;
    this.#world.trace?.(`${process.name} is asked to stop`);
    process.after(0, () => {
      this.#stopping.set(process, this.#world.scheduler.now);
      this.#checks.ledger(process).askedToStop();
      process.stop.abort();
    });
  }

  #crash(): void {
    this.#forRunning((process) => {
      this.#world.trace?.(`${process.name} crashes`);
      this.#gone(this.#running.indexOf(process), process);
    });
  }

  #gone(slot: number, process: AgentProcess): void {
    process.end();
    this.#running[slot] = undefined;
    if (!this.#over && !this.#finished.has(slot)) {
      this.#at(this.#world.random.between(0, 3_000), () => this.#over || this.#start(slot));
    }
  }
}

function endOf({ end }: Plan): FeedEnd | undefined {
  return end === "never" ? undefined : end === "scan" ? end : { last: hlcOfTick(end) };
}
