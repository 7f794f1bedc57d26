import type { FeedEvent, Position } from "../../src/change.ts";
import { type Database, hlcOfTick, tickOfHlc, type Version } from "./database.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/**
 * What one changefeed sends, by CockroachDB's contract: each row's versions in order, rows in any order; no unseen
 * version at or below a resolved timestamp; and what was sent may be sent again, from any version on.
 */
export class FeedSession {
  readonly #database: Database;
  readonly #random: Random;
  readonly #world: World;
  readonly #start: number;
  readonly #scan: (Version | undefined)[];
  /** Per row: how many versions of its history were sent, and which one is sent next. */
  readonly #sent: number[];
  readonly #next: number[];
  #resolved: number;

  /** A feed from this position on. */
  constructor(world: World, position: Position) {
    const { database, random } = this.#world = world;
    const start = this.#start = tickOfHlc(position.cursor);
    this.#database = database;
    this.#random = random;

    this.#scan = position.scanning ? database.rowsAt(start) : [];
    this.#sent = database.histories.map((history) => history.filter(({ tick }) => tick <= start).length);
    this.#next = [...this.#sent];
    this.#resolved = Math.ceil(start) - 1;
  }

  /** Up to four events; none when there is nothing to say. */
  batch(): FeedEvent[] {
    const events: FeedEvent[] = [];
    const most = this.#random.between(1, 4);
    const resolves = this.#world.healed ? 0.3 : this.#world.plan.resolves;
    while (events.length < most) {
      const event = this.#random.chance(resolves) ? this.#resolve() : this.#row();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  #resolve(): FeedEvent | undefined {
    const frontier = this.#frontier();
    if (frontier <= this.#resolved) return undefined;
    this.#resolved = this.#random.chance(0.5) ? frontier : this.#random.between(this.#resolved + 1, frontier);
    return { kind: "resolved", timestamp: hlcOfTick(this.#resolved) };
  }

  /** Every version up to this tick was sent. */
  #frontier(): number {
    if (this.#scan.some((row) => row !== undefined)) return -1;
    const unsent = this.#database.histories.map((history, row) =>
      history[this.#sent[row]!]?.tick ?? Infinity
    );
    return Math.min(this.#database.tick, ...unsent.map((tick) => tick - 1));
  }

  #row(): FeedEvent | undefined {
    const { histories } = this.#database;
    if (this.#world.goesWrong("replay", 0.2)) this.#replay();
    const rows = [...histories.keys()].filter((row) =>
      this.#scan[row] !== undefined || this.#next[row]! < histories[row]!.length
    );
    const row = rows.length === 0 ? undefined : this.#random.pick(rows);
    if (row === undefined) return undefined;
    const scanned = this.#scan[row];
    if (scanned !== undefined) {
      this.#scan[row] = undefined;
      return scanned.change;
    }
    const next = this.#next[row]!++;
    this.#sent[row] = Math.max(this.#sent[row]!, next + 1);
    return histories[row]![next]!.change;
  }

  /** A range was split or moved: its rows come again, from some version on. */
  #replay(): void {
    const { histories } = this.#database;
    for (const [row, history] of histories.entries()) {
      if (this.#random.chance(0.5)) continue;
      const first = history.findIndex(({ tick }) => tick > this.#start);
      if (first >= 0 && first < this.#next[row]!) {
        this.#next[row] = this.#random.between(first, this.#next[row]!);
      }
    }
  }
}
