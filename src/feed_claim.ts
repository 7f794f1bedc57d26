import type { Position } from "./change.ts";
import type { Clock } from "./clock.ts";
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

/** What a claim works with. */
export interface FeedClaimParts {
  /** Where the owner stands. */
  readonly store: OwnerStore;
  /** Says whose turn it is; `undefined` without one. */
  readonly lock: FeedLock | undefined;
  /** Time between two stores of a publisher's cursor, in milliseconds. */
  readonly storeEvery: number;
  /** Time. */
  readonly clock: Clock;
}

/** A publisher asks so often whether the feed is still its own, in milliseconds. */
export const CLAIM_CHECK = 150;
/**
 * So long whoever takes a feed over publishes nothing: until then the former owner has asked, and is silent. That holds for
 * ways to the store of up to 300 ms there and back: the owner knows after a check and two of these, this one begins
 * after the pause and one and a half.
 */
const HANDOVER_PAUSE = 2 * CLAIM_CHECK;
/** An owner whose cursor stands still for so much longer than it should, in milliseconds, is gone. */
const SILENCE = 10_000;

/**
 * Makes a feed this process's before it is published, and tells when it is another's. Where a lock says whose turn it is,
 * the feed may change hands again and again. Without one, two processes that claim it from each other would both never
 * store: there the last one to start has it, and the other stops.
 *
 * A cluster of RabbitMQ that is cut in two gives the lock twice, and may do so as long as its parts do not agree
 * (`cluster_partition_handling`; 3.10.8, 4.0.5). CockroachDB keeps one owner all the same: the last one that claimed the
 * feed publishes it, once the one before must know (G6).
 */
export class FeedClaim {
  readonly #parts: FeedClaimParts;
  readonly #own = new Set<string>();
  #wasOwner = false;
  #isReading = false;
  /** What another owner stored last, and since when nothing newer came. */
  #rival: { readonly stored: string; readonly since: number } | undefined;

  /** Claims nothing yet. */
  constructor(parts: FeedClaimParts) {
    this.#parts = parts;
  }

  /** The lock was refused: whoever has it will have gone when it is granted, and the feed may be claimed at once. */
  stoodBy(): void {
    this.#wasOwner = false;
  }

  /**
   * Why this process must stop publishing: another one has claimed the feed. `undefined` while nothing says so, also where
   * the store does not answer.
   */
  async lost(): Promise<AgentError | undefined> {
    const { store } = this.#parts, { token } = store;
    if (!this.#wasOwner || this.#isReading) return undefined;
    const owner = await store.read().then(({ owner }) => owner, () => undefined);
    const isForeign = owner !== undefined && owner !== token && !this.#own.has(owner);
    return isForeign && !this.#isReading && this.#wasOwner ? this.#takenOver() : undefined;
  }

  /**
   * What is stored, with the feed claimed.
   *
   * @param onForeign called, before the claim, when the feed is not this process's
   * @throws AgentError
   */
  async read(onForeign: () => void): Promise<Stored> {
    this.#isReading = true;
    try {
      return await this.#read(onForeign);
    } finally {
      this.#isReading = false;
    }
  }

  async #read(onForeign: () => void): Promise<Stored> {
    const { store, lock, clock } = this.#parts;
    let stored = await store.read();
    const { owner } = stored;
    if (owner !== store.token) {
      onForeign();
      const isForeign = owner !== undefined && !this.#own.has(owner);
      if (this.#wasOwner && isForeign && (lock === undefined || this.#isAlive(stored))) {
        throw this.#takenOver();
      }
      if (lock?.learnOwner(owner) === false) {
        const text =
          `Cannot go on: the feed's last publisher had another lock, which is now asked for: "${lock.name}"`;
        throw new AgentError("StandingBy", text);
      }
      const claimed = store.claim(owner, lock?.scope);
      this.#own.add(store.token);
      await claimed;
      if (isForeign) await clock.sleep(HANDOVER_PAUSE);
      stored = await store.read();
      if (stored.owner !== store.token) {
        throw new AgentError("CursorMoved", "Cannot claim the feed: another process does so too");
      }
    }
    this.#wasOwner = true;
    this.#rival = undefined;
    return stored;
  }

  /** What another owner stores changes while it works. */
  #isAlive({ owner, position }: Stored): boolean {
    const { clock, storeEvery } = this.#parts;
    const stored = JSON.stringify([owner, position]), now = clock.now();
    if (this.#rival?.stored !== stored) this.#rival = { stored, since: now };
    return now - this.#rival.since < SILENCE + 2 * storeEvery;
  }

  #takenOver(): AgentError {
    const text = "Cannot go on: another process has claimed the feed";
    if (this.#parts.lock === undefined) return new AgentError("TakenOver", text);
    return new AgentError("StandingBy", `${text}, and RabbitMQ gave it the same lock`, {
      hint:
        "is the cluster of RabbitMQ cut in two? this publisher waits until the other one's cursor stands still, or its lock is free",
    });
  }
}
