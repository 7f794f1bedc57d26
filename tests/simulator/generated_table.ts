import type { Hlc } from "../../src/hlc.ts";
import { hlcOf, wallOf } from "./clock.ts";
import type { FeedRow, RowSource } from "./row_source.ts";

/** A table of any size without storage: what a row holds at a time follows from its number. */
export interface GeneratedOptions {
  readonly name: string;
  /** Rows that are there from the beginning, keys 0 to rows − 1. */
  readonly rows: number;
  /** Length of a row's JSON object, about. */
  readonly bytes?: number;
  /** Changes a second, a whole number, from the start on; they go through the keys in turn. */
  readonly rate?: number;
  /** How many changes there will be; without it they never end. */
  readonly changes?: number;
}

const SECOND = 1_000_000_000n;

/** Rows `{"id": 7, "payload": "xxxx", "version": 3}` that are computed when they are sent. */
export class GeneratedTable implements RowSource {
  readonly name: string;
  /** When it came to be: the timestamp of its first rows. */
  readonly created: Hlc;
  readonly #rows: number;
  readonly #rate: bigint;
  readonly #changes: number;
  readonly #start: bigint;
  readonly #payload: string;

  constructor({ name, rows, bytes = 150, rate = 0, changes = Infinity }: GeneratedOptions, start: bigint) {
    this.name = name;
    this.#rows = rows;
    this.#rate = BigInt(rate);
    this.#changes = rate > 0 ? changes : 0;
    this.#start = start;
    this.created = hlcOf(start);
    this.#payload = "x".repeat(Math.max(0, bytes - `{"id": 123456, "payload": "", "version": 10}`.length));
  }

  /** How many changes have happened at a timestamp. */
  changesAt(at: Hlc): number {
    const elapsed = wallOf(at) - this.#start;
    return Math.max(0, Math.min(Number(elapsed * this.#rate / SECOND), this.#changes));
  }

  /** All rows as of a timestamp. */
  *scan(at: Hlc): Generator<FeedRow> {
    const changes = this.changesAt(at);
    for (let id = 0; id < this.#rows; id++) {
      const version = Math.floor((changes - id - 1) / this.#rows) + 1;
      yield this.#row(at, id, version, undefined);
    }
  }

  /** The changes later than `after` and not later than `until`. */
  *between(after: Hlc, until: Hlc): Generator<FeedRow> {
    const last = this.changesAt(until);
    for (let change = this.changesAt(after); change < last; change++) {
      const at = this.#timeOf(change);
      const id = change % this.#rows;
      const version = Math.floor(change / this.#rows) + 1;
      yield this.#row(at, id, version, version - 1);
    }
  }

  /** The earliest time at which {@linkcode changesAt} counts the change; whole numbers, so that they always agree. */
  #timeOf(change: number): Hlc {
    const changes = BigInt(change + 1) * SECOND;
    return hlcOf(this.#start + (changes + this.#rate - 1n) / this.#rate);
  }

  #row(at: Hlc, id: number, version: number, before: number | undefined): FeedRow {
    return {
      kind: "row",
      at,
      updated: at,
      written: at,
      table: this.name,
      key: `[${id}]`,
      after: this.#json(id, version),
      before: before === undefined ? undefined : this.#json(id, before),
      rescan: false,
      ghost: undefined,
      origin: { database: "defaultdb", schema: "public", name: this.name, primaryKeys: ["id"] },
    };
  }

  #json(id: number, version: number): string {
    return `{"id": ${id}, "payload": "${this.#payload}", "version": ${version}}`;
  }
}
