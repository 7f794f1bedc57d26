import type { Change } from "./change.ts";
import { compareHlc, compareInstants, type Hlc, type Instant, instantOf } from "./hlc.ts";
import type { RowHash } from "./row_hash.ts";
import { RowTimes } from "./row_times.ts";

/**
 * Drops what CockroachDB sends again (G4). It remembers, per row, the highest timestamp that is confirmed or in flight, and
 * the floor at or below which a session has nothing new to say.
 *
 * Both rest on CockroachDB's contract: no unseen row at or below a resolved timestamp, and no unseen version of a
 * row older than one already sent. Recording `trace-range-splits` holds 58,375 repeats that this rule drops.
 *
 * A row is known by 128 bits of a cryptographic hash, not by its key: two rows of one hash would hide each other's changes
 * (G1), and neither chance nor whoever chooses keys can make two (see {@linkcode RowHash}).
 *
 * Bounded: when full it remembers no new row until a confirmed resolved timestamp makes room. Changes of such rows
 * pass, repeats included; an unknown row is never dropped.
 */
export class ReplayGuard {
  readonly #newTable: () => RowTimes;
  readonly #onOverflow: () => void;
  #sent: RowTimes;
  #floor: Hlc | undefined;
  #overflowed = false;
  #hasWarned = false;

  /**
   * Knows nothing yet.
   *
   * @param onOverflow told the first time that a row is not remembered because the guard is full
   * @param newTable makes an empty table
   */
  constructor(onOverflow: () => void = () => {}, newTable: () => RowTimes = () => new RowTimes()) {
    this.#onOverflow = onOverflow;
    this.#newTable = newTable;
    this.#sent = newTable();
  }

  /** Memory of the remembered rows, in bytes. */
  get bytes(): number {
    return this.#sent.bytes;
  }

  /** True while rows are passed unremembered because the guard is full. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** A feed session starts: at or below `floor` it has nothing new; `undefined` while it scans the table. */
  startSession(floor: Hlc | undefined): void {
    this.#floor = floor;
  }

  /** True when the change was sent before. A change without a timestamp never was, as far as anybody can tell. */
  seen({ row, updated }: Change): boolean {
    if (updated === undefined) return false;
    if (this.#floor !== undefined && compareHlc(updated, this.#floor) <= 0) return true;
    const known = this.#sent.get(row);
    return known !== undefined && compareInstants(instantOf(updated), known) <= 0;
  }

  /** The change is being published: remembers its timestamp and returns the row's one before, for `restore`. */
  remember({ row, updated }: Change): Instant | undefined {
    if (updated === undefined) return undefined;
    const previous = this.#sent.get(row);
    if (!this.#sent.set(row, instantOf(updated))) this.#overflow();
    return previous;
  }

  /** A resolved timestamp was received in this session: nothing new comes at or below it. */
  raiseFloor(resolved: Hlc): void {
    if (this.#floor === undefined || compareHlc(resolved, this.#floor) > 0) this.#floor = resolved;
  }

  /** Undoes `remember`: the message was not confirmed, so its row must pass again. Undo in reverse order. */
  restore(row: RowHash, previous: Instant | undefined): void {
    if (previous === undefined) this.#sent.delete(row);
    else this.#sent.set(row, previous);
  }

  /** A resolved timestamp is confirmed: no session starts below it any more, so rows at or below it can go. */
  forget(confirmed: Hlc): void {
    this.#sent.forget(instantOf(confirmed));
    this.#overflowed = false;
  }

  /** Takes over what the process before sent; what this one knew is gone. */
  inherit(sent: RowTimes): void {
    this.clear();
    this.#sent = sent;
  }

  /** What the next process has to know. The guard knows nothing afterwards. */
  bequest(): RowTimes {
    const sent = this.#sent;
    this.clear();
    return sent;
  }

  /** Forgets everything: the cursor was changed by somebody else, so what was sent before proves nothing. */
  clear(): void {
    this.#sent = this.#newTable();
    this.#floor = undefined;
    this.#overflowed = false;
  }

  #overflow(): void {
    this.#overflowed = true;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#onOverflow();
  }
}
