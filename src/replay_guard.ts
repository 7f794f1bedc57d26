import type { Change } from "./change.ts";
import { compareHlc, type Hlc } from "./hlc.ts";
import { KeyTimes } from "./key_times.ts";
import { keyHash } from "./message_id.ts";

/** Estimated heap of a key that was handed over: map entry, two strings and their headers. */
const INHERITED_BYTES = 150;

/** Newest timestamp sent of each key, by the key's hash: what one process hands over to the next. */
export type SentKeys = ReadonlyMap<string, Hlc>;

/**
 * Drops what CockroachDB sends again (G4). It remembers, per table and key, the highest timestamp that is
 * confirmed or in flight, and the floor at or below which a session has nothing new to say.
 *
 * Both rest on CockroachDB's contract: no unseen row at or below a resolved timestamp, and no unseen version of a
 * row older than one already sent. Recording `trace-range-splits` holds 58,375 repeats that this rule drops.
 *
 * Bounded: when full it remembers no new key until a confirmed resolved timestamp makes room. Changes of such keys
 * pass, repeats included; an unknown row is never dropped.
 */
export class ReplayGuard {
  readonly #tables = new Map<string, KeyTimes>();
  readonly #capacity: number;
  /** What the process before sent, until a resolved timestamp above all of it is confirmed. */
  readonly #inherited = new Map<string, Hlc>();
  #bytes = 0;
  #floor: Hlc | undefined;
  #overflowed = false;

  /**
   * Knows nothing yet.
   *
   * @param capacity bound on the memory of the remembered keys, in bytes (an estimate)
   */
  constructor(capacity: number = 16 * 1024 * 1024) {
    this.#capacity = capacity;
  }

  /** Estimated memory of the remembered keys, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True while keys are passed unremembered because the guard is full. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** A feed session starts: at or below `floor` it has nothing new; `undefined` while it scans the table. */
  startSession(floor: Hlc | undefined): void {
    this.#floor = floor;
  }

  /** True when the change was sent before. A change without a timestamp never was, as far as anybody can tell. */
  seen({ table, key, updated }: Change): boolean {
    if (updated === undefined) return false;
    if (this.#floor !== undefined && compareHlc(updated, this.#floor) <= 0) return true;
    const known = this.#tables.get(table)?.get(key) ?? this.#inheritedOf(table, key);
    return known !== undefined && compareHlc(updated, known) <= 0;
  }

  /** The change is being published: remembers its timestamp and returns the key's one before, for `restore`. */
  remember({ table, key, updated }: Change): Hlc | undefined {
    if (updated === undefined) return undefined;
    let keys = this.#tables.get(table);
    if (keys === undefined) this.#tables.set(table, keys = new KeyTimes());
    if (this.#bytes + KeyTimes.cost(key) > this.#capacity && keys.get(key) === undefined) {
      this.#overflowed = true;
      return undefined;
    }
    this.#bytes -= keys.bytes;
    const previous = keys.set(key, updated);
    this.#bytes += keys.bytes;
    return previous;
  }

  /** A resolved timestamp was received in this session: nothing new comes at or below it. */
  raiseFloor(resolved: Hlc): void {
    if (this.#floor === undefined || compareHlc(resolved, this.#floor) > 0) this.#floor = resolved;
  }

  /** Undoes `remember`: the message was not confirmed, so its row must pass again. Undo in reverse order. */
  restore(table: string, key: string, previous: Hlc | undefined): void {
    const keys = this.#tables.get(table);
    if (keys === undefined) return;
    this.#bytes -= keys.bytes;
    if (previous === undefined) keys.delete(key);
    else keys.set(key, previous);
    this.#bytes += keys.bytes;
  }

  /** A resolved timestamp is confirmed: no session starts below it any more, so keys at or below it can go. */
  forget(confirmed: Hlc): void {
    this.#bytes = 0;
    for (const keys of this.#tables.values()) {
      keys.forget(confirmed);
      this.#bytes += keys.bytes;
    }
    for (const [hash, updated] of this.#inherited) {
      if (compareHlc(updated, confirmed) <= 0) this.#inherited.delete(hash);
    }
    this.#bytes += INHERITED_BYTES * this.#inherited.size;
    this.#overflowed = false;
  }

  /** Takes over what the process before sent. */
  inherit(sent: SentKeys): void {
    for (const [hash, updated] of sent) this.#inherited.set(hash, updated);
    this.#bytes += INHERITED_BYTES * sent.size;
  }

  /** What the next process has to know. */
  bequest(): SentKeys {
    const sent = new Map(this.#inherited);
    for (const [table, keys] of this.#tables) {
      for (const [key, updated] of keys) sent.set(keyHash(table, key), updated);
    }
    return sent;
  }

  /** Forgets everything: the cursor was changed by somebody else, so what was sent before proves nothing. */
  clear(): void {
    this.#tables.clear();
    this.#inherited.clear();
    this.#bytes = 0;
    this.#floor = undefined;
    this.#overflowed = false;
  }

  #inheritedOf(table: string, key: string): Hlc | undefined {
    return this.#inherited.size === 0 ? undefined : this.#inherited.get(keyHash(table, key));
  }
}
