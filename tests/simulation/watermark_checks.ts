import { TABLES, tickOfHlc } from "./database.ts";
import type { World } from "./world.ts";

/** What consumers may rely on once they have a watermark. Reads the queue as they do, message by message. */
export class WatermarkChecks {
  readonly #world: World;
  /** Rows that came since somebody changed the cursor. */
  readonly #delivered = new Set<string>();
  #newest = -Infinity;
  /** How many tables have it. */
  #copies = 0;

  /** Nothing has come yet. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Somebody changed the cursor: what came before says nothing. */
  restart(): void {
    this.#delivered.clear();
    this.#newest = -Infinity;
    this.#copies = 0;
  }

  /** A row's message is in the queue. */
  row(name: string, tick: number): void {
    if (!this.#delivered.has(name) && tick <= this.#newest) {
      this.#world.violate("Watermark", `${name} comes first after the watermark of tick ${this.#newest}`);
    }
    this.#delivered.add(name);
  }

  /** A watermark is in the queue; somebody may have put the cursor there. */
  watermark(tick: number, isOfHand: boolean): void {
    if (isOfHand && tick !== this.#newest) this.restart();
    if (tick < this.#newest) {
      this.#world.violate("Watermark", `it goes back from tick ${this.#newest} to ${tick}`);
    }
    this.#copies = tick === this.#newest ? this.#copies + 1 : 1;
    this.#newest = tick;
  }

  /** The consumers of every table have the watermark of this tick. */
  reaches(tick: number): boolean {
    return this.#newest === tick && this.#copies >= TABLES.length;
  }
}

/** The tick of the watermark that a message of this body is; `undefined` for any other. */
export function tickOfWatermark(name: string): number | undefined {
  return name.startsWith('{"resolved"') ? tickOfHlc(JSON.parse(name).resolved) : undefined;
}
