import type { Position } from "./change.ts";
import { AgentError } from "./errors.ts";
import type { FeedLock } from "./feed_lock.ts";
import type { TableIds } from "./table_ids.ts";

/** What a cursor store holds for a feed. */
export interface Stored {
  /** `undefined` when there is nothing. */
  readonly position: Position | undefined;
  /** Token of the last claim; `undefined` when there was none. */
  readonly owner: string | undefined;
  /** Ids of the tables, as of the last session; `undefined` when they are not known. */
  readonly tables?: TableIds | undefined;
}

/** Where a feed's owner stands: the process that claimed it last, and the only one that may store. */
export interface OwnerStore {
  /** Token of this process's last claim. */
  readonly token: string;
  /** What is stored for the feed, and whose it is. */
  read(): Promise<Stored>;
  /**
   * Takes the feed over from its owner, with a new token: what was asked of the store before, and comes late, changes
   * nothing. Without effect if the feed has another owner by now.
   *
   * @param scope that of this process's lock, for its token; `undefined` without a lock
   */
  claim(owner: string | undefined, scope: string | undefined): Promise<void>;
}

/**
 * Makes a feed this process's before it is published. Where a lock says whose turn it is, the feed may change hands again
 * and again. Without one, two processes that claim it from each other would both never store: there the last one to start
 * has it, and the other stops.
 */
export class FeedClaim {
  readonly #store: OwnerStore;
  readonly #lock: FeedLock | undefined;
  #wasOwner = false;

  /**
   * Claims nothing yet.
   *
   * @param lock says whose turn it is; `undefined` without one
   */
  constructor(store: OwnerStore, lock: FeedLock | undefined) {
    this.#store = store;
    this.#lock = lock;
  }

  /**
   * What is stored, with the feed claimed.
   *
   * @param onForeign called, before the claim, when the feed is not this process's
   * @throws AgentError
   */
  async read(onForeign: () => void): Promise<Stored> {
    const store = this.#store, lock = this.#lock;
    let stored = await store.read();
    const { owner } = stored;
    if (owner !== store.token) {
      onForeign();
      if (this.#wasOwner && owner !== undefined && lock === undefined) {
        throw new AgentError("TakenOver", "Cannot go on: another process has claimed the feed");
      }
      if (lock?.agreesWith(owner) === false) {
        const text =
          `Cannot go on: the feed's last publisher had another lock, which is now asked for: "${lock.name}"`;
        throw new AgentError("StandingBy", text);
      }
      await store.claim(owner, lock?.scope);
      stored = await store.read();
      if (stored.owner !== store.token) {
        throw new AgentError("CursorMoved", "Cannot claim the feed: another process does so too");
      }
    }
    this.#wasOwner = true;
    return stored;
  }
}
