import type { Position } from "../../src/change.ts";
import type { Stored } from "../../src/feed_claim.ts";
import type { CursorStore } from "../../src/feed_cursor.ts";
import type { AgentProcess } from "./agent_process.ts";
import { injected, type World } from "./world.ts";

/** Who wrote a row of the cursor store. */
export type Writer = AgentProcess | "hand";

/** The feed's row, as it was from a point in time on. */
export interface Row {
  /** `undefined`: there is none. */
  readonly position: Position | undefined;
  /** Who wrote it; `undefined` before anybody did. */
  readonly by: Writer | undefined;
  /** Counts the rows. */
  readonly number: number;
}

/** Told what happens to the row. */
export interface StoreObserver {
  /** The row was changed. */
  stored(row: Row, before: Row): void;
}

/** The table `cursor_store`, with the rows of the feed. */
export class FakeCursorTable {
  /** Every cursor's row there was, the present one last. */
  readonly rows: Row[] = [{ position: undefined, by: undefined, number: 0 }];
  /** Every process that claimed the feed, the present owner last; `undefined`: a hand deleted its row. */
  readonly owners: (AgentProcess | undefined)[] = [];
  /** Nobody reaches it until then. */
  awayUntil = 0;
  readonly #world: World;
  readonly #observer: StoreObserver;

  /** Empty. */
  constructor(world: World, observer: StoreObserver) {
    this.#world = world;
    this.#observer = observer;
  }

  /** The row as it is. */
  get row(): Row {
    return this.rows.at(-1)!;
  }

  /** Who may store. */
  get owner(): AgentProcess | undefined {
    return this.owners.at(-1);
  }

  /** Changes the row. */
  write(position: Position | undefined, by: Writer): void {
    const before = this.row;
    const row = { position, by, number: before.number + 1 };
    this.rows.push(row);
    const who = by === "hand" ? by : by.name;
    this.#world.trace?.(
      `${who} stores ${position?.cursor ?? "nothing"}${position?.scanning ? " scanning" : ""}`,
    );
    this.#observer.stored(row, before);
  }
}

/** The table as one process sees it. */
export class FakeCursorStore implements CursorStore {
  readonly token: string;
  readonly #table: FakeCursorTable;
  readonly #process: AgentProcess;
  readonly #world: World;

  /** Works on this table. */
  constructor(table: FakeCursorTable, process: AgentProcess) {
    this.token = process.name;
    this.#table = table;
    this.#process = process;
    this.#world = process.world;
  }

  read(): Promise<Stored> {
    return this.#request(() => ({ position: this.#table.row.position, owner: this.#table.owner?.name }));
  }

  claim(owner: string | undefined): Promise<void> {
    return this.#request(() => {
      if (this.#table.owner?.name !== owner) return;
      this.#world.trace?.(`${this.#process.name} claims the feed`);
      this.#table.owners.push(this.#process);
    });
  }

  create(position: Position): Promise<void> {
    return this.#request(() => this.#change(undefined, position)).then(() => {});
  }

  replace(expected: Position, next: Position): Promise<boolean> {
    return this.#request(() => this.#change(expected, next));
  }

  remove(expected: Position): Promise<void> {
    return this.#request(() => this.#change(expected, undefined)).then(() => {});
  }

  /** One statement: only while the feed is this process's, and nobody else changed the row. */
  #change(expected: Position | undefined, next: Position | undefined): boolean {
    const stored = this.#table.row.position;
    if (this.#table.owner !== this.#process) return false;
    if (stored?.cursor !== expected?.cursor || stored?.scanning !== expected?.scanning) return false;
    this.#table.write(next, this.#process);
    return true;
  }

  /** The table's part happens even when the process that asked is gone. */
  #request<T>(apply: () => T): Promise<T> {
    const world = this.#world, { scheduler, random } = world, process = this.#process;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const refuse = (delay: number) => {
      const error = injected(random.pick(["CursorStoreUnavailable", "SerializationConflict"]));
      process.after(delay, () => reject(error));
    };
    const way = world.goesWrong("store-slow", 0.2) ? random.between(0, 15_000) : world.latency();
    scheduler.after(way, () => {
      if (scheduler.now < this.#table.awayUntil || world.goesWrong("store-refused", 0.3)) {
        refuse(world.latency());
      } else if (world.goesWrong("store-late", 0.2)) {
        refuse(world.latency());
        scheduler.after(random.between(0, 5_000), apply);
      } else {
        const result = apply();
        if (world.goesWrong("store-lost", 0.3)) refuse(world.latency());
        else process.after(world.latency(), () => resolve(result));
      }
    });
    return promise;
  }
}
