import type { Backoff } from "./backoff.ts";
import type { Position } from "./change.ts";
import type { Clock } from "./clock.ts";
import { AgentError } from "./errors.ts";
import { compareHlc, type Hlc } from "./hlc.ts";

/** Where the cursor of one feed is kept. Every method throws AgentError. */
export interface CursorStore {
  /** What is stored for the feed, `undefined` when there is nothing. */
  read(): Promise<Position | undefined>;
  /** Stores the start of a feed that has nothing stored. */
  create(position: Position): Promise<void>;
  /** Stores `cursor`, which ends a scan, if `expected` is still what is stored; false when it is not. */
  replace(expected: Position, cursor: Hlc): Promise<boolean>;
}

/** Who is told about the cursor. */
export interface CursorObserver {
  /** Stored, which took so many seconds. */
  cursorStored(cursor: Hlc, seconds: number): void;
  /** It could not be stored; it is tried again after `retryIn` milliseconds while publishing goes on. */
  cursorWaits(error: AgentError, retryIn: number): void;
}

/** Where a feed session starts. */
export interface Start {
  /** The newest cursor whose rows are all confirmed. */
  readonly position: Position;
  /** Somebody else changed what was stored, so nothing that this process remembers counts. */
  readonly moved: boolean;
}

/** What a feed's cursor works with. */
export interface FeedCursorParts {
  /** Where it is kept. */
  readonly store: CursorStore;
  /** Where a feed with nothing stored starts. */
  readonly start: () => Promise<Position>;
  /** Delays between attempts to store. */
  readonly backoff: Backoff;
  /** Time. */
  readonly clock: Clock;
  /** Told about the cursor. */
  readonly observe: CursorObserver;
  /** Called when storing is of no use any more: somebody else moved the cursor, or the store refuses for good. */
  readonly onFailure: (error: AgentError) => void;
}

/**
 * The feed's cursor: what is stored, and the newer one that is confirmed but not stored yet (G2).
 *
 * Stores are compare-and-set on what was last read or written, one at a time, the newest wins. While the store cannot
 * be reached the cursor waits and publishing goes on.
 */
export class FeedCursor {
  readonly #parts: FeedCursorParts;
  #stored: Position | undefined;
  #confirmed: Hlc | undefined;
  #storing: Promise<void> | undefined;
  #attempt: Promise<AgentError | undefined> | undefined;
  #reading: Promise<Start> | undefined;
  #failure: AgentError | undefined;

  /** Nothing is read yet. */
  constructor(parts: FeedCursorParts) {
    this.#parts = parts;
  }

  /**
   * Where the next feed session starts: the newest cursor whose rows are all confirmed.
   *
   * @throws AgentError
   */
  position(): Promise<Start> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  async #read(): Promise<Start> {
    await this.#attempt;
    const known = this.#stored;
    const pending = this.#newest();
    const found = await this.#parts.store.read();
    this.#failure = undefined;
    const ours = found !== undefined && [known, pending].some((mine) => samePosition(found, mine));
    if (ours) return { position: this.#newest() ?? found, moved: false };
    this.#confirmed = undefined;
    this.#stored = found ?? await this.#create();
    return { position: this.#stored, moved: known !== undefined };
  }

  /** Every row up to `resolved` is confirmed: stores it, after the store that is under way. */
  confirmed(resolved: Hlc): void {
    if (!isNewer(resolved, this.#newest())) return;
    this.#confirmed = resolved;
    if (this.#failure === undefined) this.#storing ??= this.#store().finally(() => this.#storing = undefined);
  }

  /**
   * Waits until what is confirmed is stored; for ever while the store is away. Returns what is stored, `undefined` when
   * it is not what is confirmed.
   */
  async flushed(): Promise<Position | undefined> {
    await this.#storing;
    return this.#confirmed === undefined ? this.#stored : undefined;
  }

  async #create(): Promise<Position> {
    const position = await this.#parts.start();
    await this.#parts.store.create(position);
    return position;
  }

  #newest(): Position | undefined {
    return this.#confirmed === undefined ? this.#stored : { cursor: this.#confirmed, scanning: false };
  }

  async #store(): Promise<void> {
    const { backoff, clock, observe, onFailure } = this.#parts;
    while (this.#confirmed !== undefined && this.#stored !== undefined) {
      const cursor = this.#confirmed;
      const started = clock.now();
      this.#attempt = this.#replace(this.#stored, cursor);
      const error = await this.#attempt;
      if (error === undefined) {
        backoff.reset();
        this.#stored = { cursor, scanning: false };
        if (this.#confirmed === cursor) this.#confirmed = undefined;
        observe.cursorStored(cursor, (clock.now() - started) / 1000);
      } else if (error.kind === "CursorMoved" || error.action === "stop") {
        this.#failure = error;
        return onFailure(error);
      } else {
        const delay = backoff.next();
        observe.cursorWaits(error, delay);
        await clock.sleep(delay);
      }
    }
  }

  /** One attempt; a store whose answer was lost may have happened: then what is stored is ours. */
  async #replace(expected: Position, cursor: Hlc): Promise<AgentError | undefined> {
    const { store } = this.#parts;
    try {
      if (await store.replace(expected, cursor)) return undefined;
      const found = await store.read();
      if (samePosition(found, { cursor, scanning: false })) return undefined;
      const what = found === undefined ? "it is gone" : `found "${found.cursor}"`;
      return new AgentError(
        "CursorMoved",
        `Cannot store the cursor "${cursor}": somebody else changed it, ${what}`,
      );
    } catch (cause) {
      return AgentError.from(cause);
    }
  }
}

function samePosition(a: Position | undefined, b: Position | undefined): boolean {
  return a !== undefined && b !== undefined && a.cursor === b.cursor && a.scanning === b.scanning;
}

/** A resolved timestamp at the scan's own ends the scan, so it is news although it is no later. */
function isNewer(resolved: Hlc, known: Position | undefined): boolean {
  if (known === undefined) return true;
  const order = compareHlc(resolved, known.cursor);
  return known.scanning ? order >= 0 : order > 0;
}
