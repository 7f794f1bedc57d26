import type { Position } from "./change.ts";
import { AgentError } from "./errors.ts";

/** What a cursor store holds for a feed. */
export interface Stored {
  /** `undefined` when there is nothing. */
  readonly position: Position | undefined;
  /** Token of the last claim; `undefined` when there was none. */
  readonly owner: string | undefined;
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
   */
  claim(owner: string | undefined): Promise<void>;
}

/**
 * Makes a feed this process's before it is published. Where a lock says whose turn it is, the feed may change hands again
 * and again. Without one, two processes that claim it from each other would both never store: there the last one to start
 * has it, and the other stops.
 */
export class FeedClaim {
  readonly #store: OwnerStore;
  readonly #lock: boolean;
  #wasOwner = false;

  /**
   * Claims nothing yet.
   *
   * @param lock a lock says whose turn it is
   */
  constructor(store: OwnerStore, lock: boolean) {
    this.#store = store;
    this.#lock = lock;
  }

  /**
   * What is stored, with the feed claimed.
   *
   * @param onForeign called, before the claim, when the feed is not this process's
   * @throws AgentError
   */
  async read(onForeign: () => void): Promise<Position | undefined> {
    const store = this.#store;
    let { position, owner } = await store.read();
    if (owner !== store.token) {
      onForeign();
      if (this.#wasOwner && owner !== undefined && !this.#lock) {
        throw new AgentError("TakenOver", "Cannot go on: another process has claimed the feed");
      }
      await store.claim(owner);
      ({ position, owner } = await store.read());
      if (owner !== store.token) {
        throw new AgentError("CursorMoved", "Cannot claim the feed: another process does so too");
      }
    }
    this.#wasOwner = true;
    return position;
  }
}
