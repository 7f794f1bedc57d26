import type { FeedEvent, Position } from "../../src/change.ts";
import type { Source } from "../../src/source.ts";
import type { TableRegister } from "../../src/table_ids.ts";
import type { Hlc } from "../../src/hlc.ts";
import type { AgentProcess } from "./agent_process.ts";
import { hlcOfTick } from "./database.ts";
import { FeedSession } from "./feed_session.ts";
import { injected, type World } from "./world.ts";

/** A feed with nothing to say is asked again after at most so many milliseconds. */
const IDLE = 1_500;
/** The watchdog's patience with a silent feed. */
const SILENCE = 30_000;

/** Told where feeds start. */
export interface SourceObserver {
  /** The process opens a feed here. */
  opened(process: AgentProcess, position: Position): void;
}

/** CockroachDB as one process sees it. */
export class FakeSource implements Source {
  readonly #process: AgentProcess;
  readonly #world: World;
  readonly #observer: SourceObserver;
  /** The cluster's id is kept from this process. */
  readonly #idKept: boolean;
  #hasOpened = false;

  /** Asks the world's database. */
  constructor(process: AgentProcess, observer: SourceObserver) {
    this.#process = process;
    this.#world = process.world;
    this.#observer = observer;
    const { plan, random } = process.world;
    this.#idKept = plan.idKept && random.chance(0.5);
  }

  async clusterId(): Promise<string> {
    await this.#answer();
    if (this.#idKept) throw injected("InternalsRefused");
    return "5eed5eed-0000-4000-8000-000000000000";
  }

  async now(): Promise<Hlc> {
    await this.#answer();
    // Once a feed was open this may be the end of a gap, which no resolved timestamp is to be mistaken for.
    return hlcOfTick(this.#world.database.readClock() + (this.#hasOpened ? 0.5 : 0));
  }

  async *open(
    position: Position,
    _register: TableRegister,
    signal: AbortSignal,
  ): AsyncGenerator<readonly FeedEvent[]> {
    const process = this.#process, world = this.#world, { random, database, trace } = world;
    trace?.(`${process.name} opens at ${position.cursor}${position.scanning ? " scanning" : ""}`);
    this.#hasOpened = true;
    this.#observer.opened(process, position);
    await process.sleep(world.latency(), signal);
    if (signal.aborted) return;
    if (world.goesWrong("feed-refused", 0.3)) {
      throw injected(random.pick(["SourceUnreachable", "SourceDraining", "Unknown"]));
    }
    if (!position.scanning && world.goesWrong("cursor-expired", 0.2)) throw injected("CursorExpired");
    const feed = new FeedSession(world, position);
    while (!signal.aborted) {
      if (position.scanning && world.goesWrong("scan-expired", 0.1)) throw injected("CursorExpired");
      if (world.goesWrong("feed-broken", 0.1)) throw injected("SourceUnreachable");
      if (world.goesWrong("feed-ended", 0.05)) return;
      if (world.goesWrong("feed-silent", 0.02)) {
        await process.sleep(SILENCE, signal);
        if (!signal.aborted) throw injected("SourceSilent");
        return;
      }
      const batch = feed.batch();
      if (batch.length > 0) {
        trace?.(`${process.name} receives ${batch.map(textOf).join(", ")}`);
        yield batch;
      }
      if (batch.length > 0) await process.sleep(world.latency(), signal);
      else {
        database.readClock(); // time goes on without changes too
        await process.sleep(Math.round(random.next() * IDLE), signal);
      }
    }
  }

  async #answer(): Promise<void> {
    await this.#process.sleep(this.#world.latency());
    if (this.#world.goesWrong("feed-refused", 0.2)) throw injected("SourceUnreachable");
  }
}

function textOf(event: FeedEvent): string {
  return event.kind === "change" ? event.value : `R ${event.timestamp}`;
}
