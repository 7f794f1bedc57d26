import type { Position } from "../../src/change.ts";
import type { AgentError } from "../../src/errors.ts";
import type { AgentProcess } from "./agent_process.ts";
import type { FakeConnection } from "./connection.ts";
import type { Row } from "./cursor_store.ts";
import { tickOfHlc } from "./database.ts";
import type { World } from "./world.ts";

const FIRST_DELAY = 100, LONGEST_DELAY = 10_000;

/** What is in flight on one connection, as the agent has heard. */
class Flight {
  readonly names: string[] = [];
  readonly #confirmed = new Set<number>();
  #settled = 0;

  get size(): number {
    return this.names.length - this.#settled;
  }

  get bytes(): number {
    return this.names.slice(this.#settled).reduce((sum, { length }) => sum + length, 0);
  }

  /** Message `number` is confirmed, with `multiple` all up to it; returns what is confirmed and what is settled by that. */
  confirm(number: number, multiple: boolean): { confirmed: string[]; settled: string[] } {
    const first = multiple ? this.#settled + 1 : number, before = this.#settled;
    for (let n = first; n <= number; n++) this.#confirmed.add(n);
    while (this.#confirmed.has(this.#settled + 1)) this.#settled++;
    return {
      confirmed: this.names.slice(first - 1, number),
      settled: this.names.slice(before, this.#settled),
    };
  }
}

/** What one process has done so far, held against what it may do: repeats (G4), bounds (G7), and the retry budget (G8). */
export class Ledger {
  readonly #process: AgentProcess;
  readonly #world: World;
  readonly #flights = new Map<FakeConnection, Flight>();
  /** Each change published: on which connection it is in flight, or that it is settled. */
  readonly #published = new Map<string, FakeConnection | "settled">();
  #floor: number | undefined;
  #calmAtStop = false;
  #openAtStop: readonly FakeConnection[] = [];
  #attempts = 0;
  #newest = -Infinity;
  /** It has opened a scan and heard of no resolved timestamp since. */
  #scans = false;
  #unfinishedScans = 0;
  /** The newest row of the cursor store, written by somebody else, that it went on from. */
  seenRow: Row | undefined;
  /** How often the feed had been claimed when it last opened it. */
  seenClaims = 0;
  /** It said that it could not hand over, or take over, what was sent. */
  handoverFailed = false;
  #inherited: readonly string[] = [];

  /** Nothing is done yet. */
  constructor(process: AgentProcess) {
    this.#process = process;
    this.#world = process.world;
  }

  /** The newest resolved timestamp that it called confirmed, as a tick. */
  get newest(): number {
    return this.#newest;
  }

  /** A feed is opened; `anew` when somebody else has changed the cursor, so that nothing sent before counts. */
  opened({ cursor, scanning }: Position, anew: boolean): void {
    this.#scans = scanning;
    const tick = tickOfHlc(cursor);
    if (anew) {
      this.#published.clear();
      this.#newest = -Infinity;
    }
    for (const name of this.#inherited) this.#published.set(name, "settled");
    this.#inherited = [];
    this.#floor = scanning ? tick - 0.0005 : tick;
    this.#newest = Math.max(this.#newest, this.#floor);
  }

  /** It takes over what another process sent, which has published since this one did. */
  inherit(other: Ledger): void {
    this.#published.clear();
    this.#inherited = [...other.#published.keys()].filter((name) => other.#published.get(name) === "settled");
  }

  /** A message is published. */
  published(connection: FakeConnection, name: string, tick: number): void {
    this.flies(connection, name);
    const who = this.#process.name;
    if (this.#floor === undefined || tick <= this.#floor) {
      this.#world.violate("G4", `${who} publishes ${name} from at or below its cursor`);
    }
    const before = this.#published.get(name);
    if (before === "settled") this.#world.violate("G4", `${who} repeats ${name}, which was confirmed`);
    else if (before?.agentEnded === false) {
      this.#world.violate("G4", `${who} repeats ${name}, which is in flight`);
    }
    this.#published.set(name, connection);
  }

  /** A message of whatever content is in flight. */
  flies(connection: FakeConnection, name: string): void {
    const { maxInFlight, maxInFlightBytes } = this.#world.plan;
    const flight = this.#flights.get(connection) ?? new Flight();
    this.#flights.set(connection, flight);
    flight.names.push(name);
    if (flight.size > maxInFlight) this.#world.violate("G7", `${flight.size} messages in flight`);
    if (flight.bytes > maxInFlightBytes && flight.size > 1) {
      this.#world.violate("G7", `${flight.bytes} bytes in flight`);
    }
  }

  /** It hears of a confirm; returns what is confirmed by it. */
  confirmed(connection: FakeConnection, number: number, multiple: boolean): readonly string[] {
    const { confirmed, settled } = this.#flights.get(connection)!.confirm(number, multiple);
    for (const name of settled) if (this.#published.has(name)) this.#published.set(name, "settled");
    if (settled.length > 0) this.#attempts = 0;
    return confirmed;
  }

  /** It begins another scan in place of one that was not finished. */
  scansAnew(): void {
    if (this.#scans && this.#unfinishedScans++ > 0) {
      this.#world.violate("G8", `${this.#process.name} scans again and again`);
    }
  }

  /** It calls everything up to a resolved timestamp confirmed. */
  checkpoint(tick: number): void {
    this.#scans = false;
    this.#unfinishedScans = 0;
    if (tick <= this.#newest) return;
    this.#newest = tick;
    this.#attempts = 0;
  }

  /** It tries again after a failure. */
  failed(error: AgentError, delay: number): void {
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts);
    if (delay < longest / 2 || delay > longest) {
      const what = `waits ${delay.toFixed(1)} ms after ${this.#attempts} attempts without progress`;
      this.#world.violate("G8", `${this.#process.name} ${what} (${error.kind})`);
    }
    this.#attempts++;
  }

  /** Something was wrong that may keep it from finishing in order after it was asked to stop. */
  get isHindered(): boolean {
    return !this.#calmAtStop ||
      [...this.#flights].some(([connection, { size }]) => connection.failed && size > 0);
  }

  /** It was asked to stop when it could publish, and that has not failed since. */
  get stillConnected(): boolean {
    return this.#openAtStop.some((connection) => !connection.failed);
  }

  /** It or the process before it had messages confirmed of changes above this tick. */
  hasSentAbove(tick: number): boolean {
    const { database } = this.#world;
    const settled = [...this.#published].flatMap(([name, where]) => where === "settled" ? [name] : []);
    return [...settled, ...this.#inherited].some((name) => database.version(name)!.tick > tick);
  }

  /** It is asked to stop: what is in flight now is to be confirmed. */
  askedToStop(): void {
    this.#openAtStop = [...this.#flights.keys()].filter((connection) => !connection.agentEnded);
    this.#calmAtStop = this.#world.healed && !this.#openAtStop.some(({ wasStuck }) => wasStuck);
  }

  /** It stopped as asked: nothing may be open. */
  stopped(): void {
    for (const connection of this.#openAtStop) {
      const { size } = this.#flights.get(connection)!;
      if (size > 0 && !connection.failed) {
        this.#world.violate("Stop", `${this.#process.name} leaves ${size} messages unconfirmed`);
      }
    }
  }
}
