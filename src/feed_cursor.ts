import type { Backoff } from "./backoff.ts";
import { type Position, samePosition } from "./change.ts";
import { cursorAfter, type CursorEvent, type CursorState, newestOf, UNKNOWN } from "./cursor_state.ts";
import type { CursorStore } from "./cursor_store.ts";
import { AgentError } from "./errors.ts";
import type { CursorObserver } from "./feed_observer.ts";
import { FeedClaim, type FeedClaimParts } from "./feed_claim.ts";
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
export interface FeedCursorParts extends FeedClaimParts {
  /** Where it is kept. */
  readonly store: CursorStore;
  /** Where a feed with nothing stored starts. */
  readonly start: () => Promise<Position>;
  /** Delays between attempts to store. */
  readonly backoff: Backoff;
  /** Told about the cursor. */
  readonly observe: CursorObserver;
  /** Called when this cursor is stored. */
  readonly onStored: (cursor: Hlc) => void;
  /** Called when storing is of no use any more: somebody else moved the cursor, or the store refuses for good. */
  readonly onFailure: (error: AgentError) => void;
}

/**
 * The feed's cursor: what is stored, and the newer one that is confirmed but not stored yet (G2). What is known of it, and how that
 * changes, is a table of its own: {@linkcode CursorState}. Here the store is asked.
 *
 * Stores are compare-and-set on what was last read or written, one at a time, the newest wins. While the store cannot be reached
 * the cursor waits and publishing goes on.
 */
export class FeedCursor {
  readonly #parts: FeedCursorParts;
  #state: CursorState = UNKNOWN;
  /** The attempt that is under way, and the loop that makes one after the other. */
  #attempt: Promise<AgentError | undefined> | undefined;
  #storing: Promise<void> | undefined;
  /** Questions one after the other; nothing is stored meanwhile. */
  #turn: Promise<unknown> = Promise.resolve();
  #isHeld = false;
  /** The next store has to wait until then, or until somebody waits for it. */
  #restsUntil = -Infinity;
  #flushes = 0;
  #hurry: AbortController = new AbortController();

  /** Whose the feed is. */
  readonly claim: FeedClaim;

  /** Nothing is read yet. */
  constructor(parts: FeedCursorParts) {
    this.#parts = parts;
    this.claim = new FeedClaim(parts);
  }

  /** What is stored; `undefined` when nothing was read yet, or somebody else changed it. */
  get stored(): Position | undefined {
    const state = this.#state;
    return state.is === "unknown" || state.is === "foreign" ? undefined : state.stored;
  }

  /** The newest cursor whose rows are all confirmed; `undefined` as `stored`. */
  get newest(): Position | undefined {
    return this.#state.is === "foreign" ? undefined : newestOf(this.#state);
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
    this.#change({ on: "begun" });
  }

  /** Every row up to `resolved` is confirmed: stores it, after the store that is under way. False if it is no news. */
  confirmed(resolved: Hlc): boolean {
    const before = this.#state;
    this.#change({ on: "confirmed", cursor: resolved });
    return this.#state !== before;
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
    return this.#inTurn(async () => {
      const { stored } = this;
      if (stored === undefined || !await this.#parts.store.replace(stored, next)) return false;
      this.#change({ on: "jumped", position: next });
      return true;
    });
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
      while ("confirmed" in this.#state) {
        if (this.#state.is === "refused") throw this.#state.refusal;
        await (this.#storing ?? this.#turn);
      }
    } finally {
      this.#flushes--;
    }
  }

  /** What is due and not held is being stored: there is no other state in which something waits. */
  #change(event?: CursorEvent): void {
    if (event !== undefined) this.#state = cursorAfter(this.#state, event);
    if (this.#isDue) this.#storing ??= this.#store();
  }

  get #isDue(): boolean {
    return !this.#isHeld && (this.#state.is === "due" || this.#state.is === "attempted");
  }

  /** Nothing is stored meanwhile: else what is found could not be told from somebody else's. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#turn.then(async () => {
      this.#isHeld = true;
      try {
        await this.#attempt;
        return await ask();
      } finally {
        this.#isHeld = false;
        this.#change();
      }
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #read(): Promise<Start> {
    const { position: found, tables } = await this.claim.read(() => this.#change({ on: "moved" }));
    this.#change({ on: "found", position: found });
    if (found === undefined) this.#change({ on: "created", position: await this.#create() });
    const state = this.#state;
    return {
      position: newestOf(state)!,
      moved: state.is === "foreign",
      untried: "untried" in state && state.untried,
      tables: found && tables,
    };
  }

  /** What another process stored first stays, and so does what an attempt stored whose answer was lost. */
  async #create(): Promise<Position> {
    const { store, start } = this.#parts;
    const position = await start();
    await store.create(position);
    return (await store.read()).position ?? position;
  }

  async #store(): Promise<void> {
    const { backoff, clock, observe, onStored, storeEvery } = this.#parts;
    while (this.#isDue) {
      if (this.#rest > 0) {
        this.#hurry = new AbortController();
        await clock.sleep(this.#rest, this.#hurry.signal);
        continue;
      }
      this.#state = cursorAfter(this.#state, { on: "attempt" });
      if (this.#state.is !== "attempted") continue;
      const { stored, attempted } = this.#state, started = clock.now();
      this.#attempt = this.#replace(stored, attempted);
      const error = await this.#attempt;
      if (error === undefined) {
        backoff.reset();
        this.#restsUntil = started + storeEvery;
        this.#state = cursorAfter(this.#state, { on: "stored" });
        observe.cursorStored(attempted, (clock.now() - started) / 1000);
        onStored(attempted);
      } else if (error.kind === "CursorMoved" || error.action === "stop") {
        const event: CursorEvent = error.kind === "CursorMoved"
          ? { on: "moved" }
          : { on: "refused", refusal: error };
        this.#state = cursorAfter(this.#state, event);
        if (!this.#isHeld) this.#parts.onFailure(error); // otherwise what is being read tells
      } else {
        const delay = backoff.next();
        observe.cursorWaits(error, delay);
        await clock.sleep(delay);
      }
    }
    this.#storing = undefined;
  }

  /** Milliseconds until the next store; the end of a scan does not wait. */
  get #rest(): number {
    return this.stored?.scanning || this.#flushes > 0 ? 0 : this.#restsUntil - this.#parts.clock.now();
  }

  /** One attempt; a store whose answer was lost may have happened: then what is stored is ours. */
  async #replace(expected: Position, cursor: Hlc): Promise<AgentError | undefined> {
    const { store } = this.#parts, next = { cursor, scanning: false };
    try {
      if (await store.replace(expected, next)) return undefined;
      const { position, owner } = await store.read();
      const isOwner = owner === store.token;
      if (isOwner && samePosition(position, next)) return undefined;
      const found = position === undefined ? "it is gone" : `found "${position.cursor}"`;
      const reason = isOwner ? `somebody else changed it, ${found}` : "another process has claimed the feed";
      return new AgentError("CursorMoved", `Cannot store the cursor "${cursor}": ${reason}`);
    } catch (cause) {
      return AgentError.from(cause);
    }
  }
}
