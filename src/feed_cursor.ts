import type { Backoff } from "./backoff.ts";
import { isNewer, type Position, samePosition } from "./change.ts";
import type { Clock } from "./clock.ts";
import type { CursorStore } from "./cursor_store.ts";
import { AgentError } from "./errors.ts";
import type { CursorObserver } from "./feed_observer.ts";
import { FeedClaim } from "./feed_claim.ts";
import type { FeedLock } from "./feed_lock.ts";
import type { Hlc } from "./hlc.ts";
import type { TableIds } from "./table_ids.ts";

/** Where a feed session starts. */
export interface Start {
  /** The newest cursor whose rows are all confirmed. */
  readonly position: Position;
  /**
   * Somebody else changed what was stored, or published since this process did, so nothing that it remembers counts; so
   * until `goOn`.
   */
  readonly moved: boolean;
  /** This process stored it where nothing was stored, and nothing was confirmed since. */
  readonly untried: boolean;
  /** Ids of the tables as they are kept beside the position; `undefined` when they are not known. */
  readonly tables: TableIds | undefined;
}

/** What a feed's cursor works with. */
export interface FeedCursorParts {
  /** Where it is kept. */
  readonly store: CursorStore;
  /** Time between two stores, in milliseconds. */
  readonly storeEvery: number;
  /** Says whose turn it is; `undefined` without one. */
  readonly lock: FeedLock | undefined;
  /** Where a feed with nothing stored starts. */
  readonly start: () => Promise<Position>;
  /** Delays between attempts to store. */
  readonly backoff: Backoff;
  /** Time. */
  readonly clock: Clock;
  /** Told about the cursor. */
  readonly observe: CursorObserver;
  /** Called when this cursor is stored. */
  readonly onStored: (cursor: Hlc) => void;
  /** Called when storing is of no use any more: somebody else moved the cursor, or the store refuses for good. */
  readonly onFailure: (error: AgentError) => void;
}

/**
 * The feed's cursor: what is stored, and the newer one that is confirmed but not stored yet (G2). Stores are compare-and-set on what was last read or written, one at a time, the newest wins. While the store cannot
 * be reached the cursor waits and publishing goes on.
 */
export class FeedCursor {
  readonly #parts: FeedCursorParts;
  readonly #claim: FeedClaim;
  #stored: Position | undefined;
  #confirmed: Hlc | undefined;
  /** May be stored already, if only the answer was lost: nothing else is stored until that is known. */
  #attempted: Hlc | undefined;
  #attempt: Promise<AgentError | undefined> | undefined;
  #storing: Promise<void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #isRead = false;
  #moved = false;
  #untried = false;
  /** The next store has to wait until then, or until somebody waits for it. */
  #restsUntil = -Infinity;
  #flushes = 0;
  #hurry: AbortController = new AbortController();
  /** The store's last word; it is asked again when the next feed session starts. */
  #refusal: AgentError | undefined;

  /** Nothing is read yet. */
  constructor(parts: FeedCursorParts) {
    this.#parts = parts;
    this.#claim = new FeedClaim(parts.store, parts.lock);
  }

  /** What is stored; `undefined` when nothing was read yet, or somebody else changed it. */
  get stored(): Position | undefined {
    return this.#moved ? undefined : this.#stored;
  }

  /** The newest cursor whose rows are all confirmed; `undefined` as `stored`. */
  get newest(): Position | undefined {
    return this.#moved ? undefined : this.#newest();
  }

  /**
   * Reads where the next feed session starts: the newest cursor whose rows are all confirmed. Every call asks anew:
   * the answer to an earlier question may be older than another publisher's work.
   *
   * @throws AgentError
   */
  position(): Promise<Start> {
    return this.#inTurn(() => this.#read());
  }

  /** What was remembered of a cursor that somebody else changed is forgotten: timestamps count again. */
  goOn(): void {
    this.#moved = false;
  }

  /** Every row up to `resolved` is confirmed: stores it, after the store that is under way. False if it is no news. */
  confirmed(resolved: Hlc): boolean {
    if (this.#moved || !isNewer(resolved, this.#newest())) return false;
    this.#confirmed = resolved;
    this.#untried = false;
    this.#startStoring();
    return true;
  }

  /** No session can start there: removes it, so that the next one begins anew. False when it could not be removed. */
  discard(position: Position): Promise<boolean> {
    return this.#parts.store.remove(position).then(() => true, () => false);
  }

  /**
   * No session can start at the cursor any more: goes on from `next`, whatever lies between. False, and without effect,
   * where somebody else changed what is stored: the next session reads that.
   *
   * @throws AgentError
   */
  jump(next: Position): Promise<boolean> {
    return this.#inTurn(() => this.#jump(next));
  }

  /**
   * Waits until what is confirmed is stored; for ever while the store is away.
   *
   * @throws AgentError when the store refuses for good
   */
  async flushed(): Promise<void> {
    this.#flushes++;
    this.#hurry.abort();
    try {
      while (this.#confirmed !== undefined) {
        if (this.#refusal !== undefined) throw this.#refusal;
        await (this.#storing ?? this.#reading);
      }
    } finally {
      this.#flushes--;
    }
  }

  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#reading.then(ask);
    this.#reading = answer.catch(() => undefined);
    return answer;
  }

  async #jump(next: Position): Promise<boolean> {
    this.#isRead = false;
    try {
      await this.#attempt;
      if (this.#stored === undefined || !await this.#parts.store.replace(this.#stored, next)) return false;
      this.#stored = next;
      this.#confirmed = this.#attempted = undefined;
      return true;
    } finally {
      this.#isRead = true;
      this.#startStoring();
    }
  }

  /** Nothing is stored meanwhile: else what is found could not be told from somebody else's. */
  async #read(): Promise<Start> {
    this.#isRead = false;
    try {
      await this.#attempt;
      const { position: found, tables } = await this.#claim.read(() => this.#forget());
      this.#refusal = undefined;
      if (!this.#isOurs(found)) {
        this.#forget();
        this.#stored = found;
        this.#untried = found === undefined;
        this.#stored ??= await this.#create();
      }
      const moved = this.#moved, untried = this.#untried;
      return { position: this.#newest()!, moved, untried, tables: found && tables };
    } finally {
      this.#isRead = true;
      this.#startStoring();
    }
  }

  /** Somebody else changed what is stored, or may have sent older versions again after this process's newer ones (G3). */
  #forget(): void {
    this.#moved ||= this.#stored !== undefined;
    this.#stored = this.#confirmed = this.#attempted = undefined;
  }

  #isOurs(found: Position | undefined): boolean {
    return samePosition(found, this.#stored) || samePosition(found, confirmedAt(this.#attempted));
  }

  /** What another process stored first stays, and so does what an attempt stored whose answer was lost. */
  async #create(): Promise<Position> {
    const { store, start } = this.#parts;
    const position = await start();
    await store.create(position);
    return (await store.read()).position ?? position;
  }

  #newest(): Position | undefined {
    return confirmedAt(this.#confirmed) ?? this.#stored;
  }

  get #isDue(): boolean {
    return this.#confirmed !== undefined && this.#isRead && this.#refusal === undefined;
  }

  #startStoring(): void {
    if (this.#isDue) this.#storing ??= this.#store();
  }

  async #store(): Promise<void> {
    const { backoff, clock, observe, onStored, storeEvery } = this.#parts;
    while (this.#isDue) {
      if (this.#rest > 0) {
        this.#hurry = new AbortController();
        await clock.sleep(this.#rest, this.#hurry.signal);
        continue;
      }
      const cursor = this.#attempted ??= this.#confirmed!;
      const started = clock.now();
      this.#attempt = this.#replace(this.#stored!, cursor);
      const error = await this.#attempt;
      if (error === undefined) {
        backoff.reset();
        this.#restsUntil = started + storeEvery;
        this.#stored = confirmedAt(cursor);
        this.#attempted = undefined;
        if (this.#confirmed === cursor) this.#confirmed = undefined;
        observe.cursorStored(cursor, (clock.now() - started) / 1000);
        onStored(cursor);
      } else if (error.kind === "CursorMoved" || error.action === "stop") this.#giveUp(error);
      else {
        const delay = backoff.next();
        observe.cursorWaits(error, delay);
        await clock.sleep(delay);
      }
    }
    this.#storing = undefined;
  }

  /** Milliseconds until the next store; the end of a scan does not wait. */
  get #rest(): number {
    return this.#stored?.scanning || this.#flushes > 0 ? 0 : this.#restsUntil - this.#parts.clock.now();
  }

  #giveUp(error: AgentError): void {
    if (error.kind === "CursorMoved") this.#forget();
    else this.#refusal = error;
    if (this.#isRead) this.#parts.onFailure(error); // otherwise what is being read tells
  }

  /** One attempt; a store whose answer was lost may have happened: then what is stored is ours. */
  async #replace(expected: Position, cursor: Hlc): Promise<AgentError | undefined> {
    const { store } = this.#parts;
    try {
      if (await store.replace(expected, { cursor, scanning: false })) return undefined;
      const { position, owner } = await store.read();
      const isOwner = owner === store.token;
      if (isOwner && samePosition(position, confirmedAt(cursor))) return undefined;
      const found = position === undefined ? "it is gone" : `found "${position.cursor}"`;
      const reason = isOwner ? `somebody else changed it, ${found}` : "another process has claimed the feed";
      return new AgentError("CursorMoved", `Cannot store the cursor "${cursor}": ${reason}`);
    } catch (cause) {
      return AgentError.from(cause);
    }
  }
}

function confirmedAt(cursor: Hlc | undefined): Position | undefined {
  return cursor && { cursor, scanning: false };
}
