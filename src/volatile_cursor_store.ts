import type { Position } from "./change.ts";
import type { Stored } from "./feed_claim.ts";
import type { CursorStore } from "./cursor_store.ts";
import type { TableIds } from "./table_ids.ts";

/** `--cursor-store none`: the cursor lives as long as the process, so every start begins anew. */
export class VolatileCursorStore implements CursorStore {
  /** Nobody else can claim the feed here. */
  readonly token = "";
  #position: Position | undefined;
  #tables: TableIds | undefined;

  /** What was stored in this process. */
  read(): Promise<Stored> {
    return Promise.resolve({ position: this.#position, owner: this.token, tables: this.#tables });
  }

  /** Has nobody to take it from. */
  claim(): Promise<void> {
    return Promise.resolve();
  }

  /** Keeps the position. */
  create(position: Position): Promise<void> {
    this.#position = position;
    return Promise.resolve();
  }

  /** Keeps the cursor; nobody else can have changed it. */
  replace(_expected: Position, next: Position): Promise<boolean> {
    this.#position = next;
    return Promise.resolve(true);
  }

  /** Keeps the ids. */
  keep(tables: TableIds): Promise<void> {
    this.#tables = tables;
    return Promise.resolve();
  }

  /** Forgets the position. */
  remove(): Promise<void> {
    this.#position = undefined;
    return Promise.resolve();
  }
}
