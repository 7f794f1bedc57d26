import { compareInstants, type Instant } from "./hlc.ts";
import type { RowHash } from "./row_hash.ts";
import { RowTimeShard } from "./row_time_shard.ts";

/** A power of two: what has to be done at once for one shard takes some 20 µs, for all of them some 5 ms. */
const SHARD_BITS = 8;
/** Shards that `forget` goes through at once. The others follow when they are full, or when their turn comes. */
const SHARDS_A_TURN = 16;
/** Nobody who chooses keys can choose them to be in one shard. */
const SEED = Math.trunc(Math.random() * 2 ** 31) * 2 + 1;

/** Bounds of the table. */
export interface RowTimesOptions {
  /** Most rows, over all shards; a shard can be full some percent before the others. */
  readonly capacity: number;
  /** A power of two of shards: 2 to this. */
  readonly shardBits: number;
}

/** 16 MB when full: 36 bytes a row. */
const BOUNDED: RowTimesOptions = { capacity: 1792 << SHARD_BITS, shardBits: SHARD_BITS };

/**
 * A timestamp for each of very many rows, without an object a row, which garbage collection would visit again and again.
 *
 * A hash table in shards. Nothing is ever done to the whole of it at once, so it never blocks the event loop: a shard that is
 * full drops what may be forgotten, or grows, by itself.
 */
export class RowTimes {
  readonly #options: RowTimesOptions;
  readonly #shards: RowTimeShard[];
  /** Rows at or below it are not there any more, whether their shard has dropped them or not. */
  #forgotten: Instant | undefined;
  /** No row has a later timestamp. */
  #latest: Instant | undefined;
  #turn = 0;

  /** Holds nothing yet. */
  constructor(options: RowTimesOptions = BOUNDED) {
    const { capacity, shardBits } = options;
    this.#options = options;
    this.#shards = Array.from({ length: 1 << shardBits }, () => new RowTimeShard(capacity >> shardBits));
  }

  /** Memory of the table, in bytes. */
  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  /** No row has a timestamp. */
  get isEmpty(): boolean {
    return this.#latest === undefined || this.#isForgotten(this.#latest) ||
      this[Symbol.iterator]().next().done === true;
  }

  /** The row's timestamp. */
  get(row: RowHash): Instant | undefined {
    const time = this.#shardOf(row).get(row);
    return time === undefined || this.#isForgotten(time) ? undefined : time;
  }

  /** Sets the row's timestamp; false where there is no room for another row. */
  set(row: RowHash, time: Instant): boolean {
    if (this.#latest === undefined || compareInstants(time, this.#latest) > 0) this.#latest = time;
    return this.#shardOf(row).set(row, time, this.#forgotten);
  }

  /** The row has no timestamp any more. */
  delete(row: RowHash): void {
    this.#shardOf(row).delete(row);
  }

  /** Every row that has a timestamp; nothing may be changed meanwhile. */
  *[Symbol.iterator](): Generator<[row: RowHash, time: Instant]> {
    for (const shard of this.#shards) {
      for (const entry of shard) if (!this.#isForgotten(entry[1])) yield entry;
    }
  }

  /** Deletes the rows whose timestamp is not later. */
  forget(time: Instant): void {
    if (!this.#isForgotten(time)) this.#forgotten = time;
    const turns = Math.min(SHARDS_A_TURN, this.#shards.length);
    for (let i = 0; i < turns; i++, this.#turn++) {
      this.#shards[this.#turn % this.#shards.length]!.shrink(this.#forgotten);
    }
  }

  #isForgotten(time: Instant): boolean {
    return this.#forgotten !== undefined && compareInstants(time, this.#forgotten) <= 0;
  }

  #shardOf({ b }: RowHash): RowTimeShard {
    const { shardBits } = this.#options;
    return this.#shards[shardBits === 0 ? 0 : Math.imul(b, SEED) >>> (32 - shardBits)]!;
  }
}
