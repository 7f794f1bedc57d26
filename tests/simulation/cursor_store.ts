import type { Position } from "../../src/change.ts";
import type { ErrorKind } from "../../src/errors.ts";
import type { Stored } from "../../src/feed_claim.ts";
import type { CursorStore } from "../../src/cursor_store.ts";
import { claimToken } from "../../src/feed_lock.ts";
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

/** The feed's row of the owner. */
export interface Claim {
  /** Whose it is. */
  readonly process: AgentProcess;
  /** No other claim has it. */
  readonly token: string;
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
  /** Every claim of the feed, the last one last; `undefined`: a hand deleted it. */
  readonly claims: (Claim | undefined)[] = [];
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

  /** With which one may store. */
  get claim(): Claim | undefined {
    return this.claims.at(-1);
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
  readonly #table: FakeCursorTable;
  readonly #process: AgentProcess;
  readonly #world: World;
  #claims = 0;
  #scope: string | undefined;

  /** Works on this table. */
  constructor(table: FakeCursorTable, process: AgentProcess) {
    this.#table = table;
    this.#process = process;
    this.#world = process.world;
  }

  get token(): string {
    return claimToken(this.#scope, `${this.#process.name}, claim ${this.#claims}`);
  }

  read(): Promise<Stored> {
    const table = this.#table;
    return this.#request(() => ({ position: table.row.position, owner: table.claim?.token }));
  }

  claim(owner: string | undefined, scope: string | undefined): Promise<void> {
    this.#claims++;
    this.#scope = scope;
    const { token } = this, process = this.#process, table = this.#table;
    return this.#request(() => {
      if (table.claim?.token !== owner) return;
      this.#world.trace?.(`${process.name} claims the feed`);
      table.claims.push({ process, token });
    });
  }

  create(position: Position): Promise<void> {
    return this.#change(undefined, position).then(() => {});
  }

  replace(expected: Position, next: Position): Promise<boolean> {
    return this.#change(expected, next);
  }

  /** The world has one table, and nobody renames it. */
  keep(): Promise<void> {
    return Promise.resolve();
  }

  remove(expected: Position): Promise<void> {
    return this.#change(expected, undefined).then(() => {});
  }

  /** One statement: only while the claim is the one of now, and nobody else has changed the row. */
  #change(expected: Position | undefined, next: Position | undefined): Promise<boolean> {
    const { token } = this, table = this.#table;
    return this.#request(() => {
      const { position } = table.row;
      if (table.claim?.token !== token) return false;
      if (position?.cursor !== expected?.cursor || position?.scanning !== expected?.scanning) return false;
      table.write(next, this.#process);
      return true;
    });
  }

  /** The table's part happens even when the process that asked is gone. */
  #request<T>(apply: () => T): Promise<T> {
    const world = this.#world, { scheduler, random } = world, process = this.#process;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (kind: ErrorKind) => process.after(world.latency(), () => reject(injected(kind)));
    const refuse = () => fail(random.pick(["CursorStoreUnavailable", "SerializationConflict"]));
    const way = world.goesWrong("store-slow", 0.2) ? random.between(0, 15_000) : world.latency();
    scheduler.after(way, () => {
      if (world.goesWrong("store-denied", 0.05)) fail("SourceDenied");
      else if (scheduler.now < this.#table.awayUntil || world.goesWrong("store-refused", 0.3)) {
        refuse();
      } else if (world.goesWrong("store-late", 0.2)) {
        refuse();
        scheduler.after(random.between(0, 5_000), apply);
      } else {
        const result = apply();
        if (world.goesWrong("store-lost", 0.3)) refuse();
        else process.after(world.latency(), () => resolve(result));
      }
    });
    return promise;
  }
}
