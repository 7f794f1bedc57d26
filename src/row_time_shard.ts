import type { Instant } from "./hlc.ts";
import type { RowHash } from "./row_hash.ts";

/** Entries to begin with. */
const FEW = 28;
/** Places in `#slots` for FEW entries: a power of two, never more than half full. */
const FEW_SLOTS = 64;
/** Words of an entry: four of the hash, nanoseconds and logical part. */
const WORDS = 6;
const BYTES_A_ENTRY = 4 * WORDS + 8, BYTES_A_SLOT = 2;
/** Seconds of an entry that was deleted. */
const DELETED = -1;

/** A small part of a {@linkcode RowTimes}: an open hash table of entry numbers, with the entries one after the other. */
export class RowTimeShard {
  readonly #capacity: number;
  #size = 0;
  /** Entry number plus 1, or 0. */
  #slots = new Uint16Array(0);
  #words = new Int32Array(0);
  #seconds = new Float64Array(0);
  /** What was to be forgotten when that was last done. */
  #dropped: Instant | undefined;

  /**
   * Holds nothing, and no memory yet.
   *
   * @param capacity most entries
   */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Memory of the shard, in bytes. */
  get bytes(): number {
    return BYTES_A_ENTRY * this.#seconds.length + BYTES_A_SLOT * this.#slots.length;
  }

  /** The row's timestamp. */
  get(row: RowHash): Instant | undefined {
    const entry = this.#find(row);
    return entry < 0 || this.#seconds[entry] === DELETED ? undefined : this.#timeOf(entry);
  }

  /** Sets the row's timestamp; false where there is no room for another row, even without those that are forgotten. */
  set(row: RowHash, time: Instant, forgotten: Instant | undefined): boolean {
    let entry = this.#find(row);
    if (entry < 0) {
      if (this.#size === this.#seconds.length && !this.#makeRoom(forgotten)) return false;
      entry = this.#append(row);
    }
    const at = entry * WORDS;
    this.#words[at + 4] = time.nanos;
    this.#words[at + 5] = time.logical;
    this.#seconds[entry] = time.seconds;
    return true;
  }

  /** The row has no timestamp any more. */
  delete(row: RowHash): void {
    const entry = this.#find(row);
    if (entry >= 0) this.#seconds[entry] = DELETED;
  }

  /** Every row that has a timestamp, whether it is to be forgotten or not. */
  *[Symbol.iterator](): Generator<[row: RowHash, time: Instant]> {
    for (let entry = 0; entry < this.#size; entry++) {
      if (this.#seconds[entry] !== DELETED) yield [this.#rowOf(entry), this.#timeOf(entry)];
    }
  }

  /** Drops what is forgotten, and gives memory back that is hardly used. */
  shrink(forgotten: Instant | undefined): void {
    this.#drop(forgotten);
    const room = this.#seconds.length;
    if (room > FEW && this.#size < room / 8) this.#resize(Math.max(FEW, room / 2));
  }

  /** False where there is none to be had. */
  #makeRoom(forgotten: Instant | undefined): boolean {
    if (forgotten !== this.#dropped) this.#drop(forgotten);
    const room = this.#seconds.length;
    // Where little was dropped it would soon be full again, and each time all of it would be gone through.
    if (this.#size > room / 2 || room === 0) this.#resize(Math.max(FEW, 2 * room));
    return this.#size < this.#seconds.length;
  }

  #drop(forgotten: Instant | undefined): void {
    this.#dropped = forgotten;
    let kept = 0;
    for (let entry = 0; entry < this.#size; entry++) {
      if (!this.#isLater(entry, forgotten)) continue;
      if (kept < entry) {
        this.#words.copyWithin(kept * WORDS, entry * WORDS, (entry + 1) * WORDS);
        this.#seconds[kept] = this.#seconds[entry]!;
      }
      kept++;
    }
    if (kept === this.#size) return;
    this.#size = kept;
    this.#occupyAll();
  }

  #resize(wanted: number): void {
    const room = Math.min(this.#capacity, wanted);
    if (room === this.#seconds.length) return;
    const words = this.#words.subarray(0, this.#size * WORDS),
      seconds = this.#seconds.subarray(0, this.#size);
    let slots = FEW_SLOTS;
    while (slots * FEW < FEW_SLOTS * room) slots *= 2;
    this.#words = new Int32Array(room * WORDS);
    this.#words.set(words);
    this.#seconds = new Float64Array(room);
    this.#seconds.set(seconds);
    this.#slots = new Uint16Array(slots);
    this.#occupyAll();
  }

  #occupyAll(): void {
    this.#slots.fill(0);
    for (let entry = 0; entry < this.#size; entry++) this.#occupy(entry);
  }

  #append(row: RowHash): number {
    const entry = this.#size++, at = entry * WORDS;
    this.#words[at] = row.a;
    this.#words[at + 1] = row.b;
    this.#words[at + 2] = row.c;
    this.#words[at + 3] = row.d;
    this.#occupy(entry);
    return entry;
  }

  #occupy(entry: number): void {
    const slots = this.#slots, mask = slots.length - 1;
    let slot = this.#words[entry * WORDS]! & mask;
    while (slots[slot] !== 0) slot = slot + 1 & mask;
    slots[slot] = entry + 1;
  }

  /** Number of the row's entry, -1 when there is none. */
  #find({ a, b, c, d }: RowHash): number {
    const slots = this.#slots, words = this.#words, mask = slots.length - 1;
    if (mask < 0) return -1;
    for (let slot = a & mask;; slot = slot + 1 & mask) {
      const entry = slots[slot]! - 1, at = entry * WORDS;
      if (entry < 0) return -1;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return entry;
    }
  }

  #isLater(entry: number, time: Instant | undefined): boolean {
    const seconds = this.#seconds[entry]!;
    if (seconds === DELETED) return false;
    if (time === undefined || seconds !== time.seconds) return time === undefined || seconds > time.seconds;
    const nanos = this.#words[entry * WORDS + 4]!;
    return nanos === time.nanos ? this.#logicalOf(entry) > time.logical : nanos > time.nanos;
  }

  #timeOf(entry: number): Instant {
    const nanos = this.#words[entry * WORDS + 4]!;
    return { seconds: this.#seconds[entry]!, nanos, logical: this.#logicalOf(entry) };
  }

  #logicalOf(entry: number): number {
    return this.#words[entry * WORDS + 5]! >>> 0;
  }

  #rowOf(entry: number): RowHash {
    const at = entry * WORDS, words = this.#words;
    return { a: words[at]!, b: words[at + 1]!, c: words[at + 2]!, d: words[at + 3]! };
  }
}
