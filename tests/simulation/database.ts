import { type Change, changeOf, type Operation } from "../../src/change.ts";
import type { Hlc } from "../../src/hlc.ts";

/** Tables of the rows with even and with odd numbers. */
export const TABLES = ["even", "odd"] as const;

/** One version of one row. */
export interface Version {
  /** The change as a feed sends it. */
  readonly change: Change;
  /** When it was committed, in ticks. */
  readonly tick: number;
  /** Names it in the queue: the change's value. */
  readonly name: string;
}

/** Model of CockroachDB: the history of every row. Time is in ticks, each of which is one HLC. */
export class Database {
  readonly #histories: readonly Version[][];
  readonly #versions = new Map<string, Version>();
  #tick = 10;
  #lastCommit = 0;

  /** Rows without any version yet, in two tables. */
  constructor(keys: number) {
    this.#histories = Array.from({ length: keys }, () => []);
  }

  /** Everything committed so far has this tick or a lower one. */
  get tick(): number {
    return this.#tick;
  }

  /** Tick of the last transaction. */
  get lastCommit(): number {
    return this.#lastCommit;
  }

  /** The version of this name. */
  version(name: string): Version | undefined {
    return this.#versions.get(name);
  }

  /** The history of each row, in commit order. */
  get histories(): readonly (readonly Version[])[] {
    return this.#histories;
  }

  /** Everything has a timestamp of its own: also a reading of the clock. */
  readClock(): number {
    return ++this.#tick;
  }

  /** Time passes, to this tick at least. */
  passTo(tick: number): void {
    this.#tick = Math.max(this.#tick, tick);
  }

  /** One transaction: each of these rows gets a new version, all with one timestamp. */
  commit(rows: readonly number[], deletes: boolean): void {
    const tick = this.#lastCommit = ++this.#tick;
    for (const row of rows) {
      this.#histories[row]!.push(this.#version(row, tick, deletes ? "delete" : "upsert"));
    }
  }

  /** The rows that were there at this tick, as a scan sends them. */
  rowsAt(tick: number): (Version | undefined)[] {
    return this.#histories.map((history, row) => {
      const last = history.findLast((version) => version.tick <= tick);
      const there = last !== undefined && last.change.operation !== "delete";
      return there ? this.#version(row, tick, "read") : undefined;
    });
  }

  #version(row: number, tick: number, operation: Operation): Version {
    const table = TABLES[row % 2]!;
    const key = `[${row}]`;
    const name = `"${table}${key}@${tick} ${operation}"`;
    const change = changeOf({ table, key, value: name, updated: hlcOfTick(tick), operation });
    const version = { change, tick, name };
    this.#versions.set(name, version);
    return version;
  }
}

/** The HLC of a tick: every other one has a logical part; fractions of a tick, by which nothing happens, have one too. */
export function hlcOfTick(tick: number): Hlc {
  const whole = Math.floor(tick);
  const logical = (whole & 1) * 1000 + Math.round((tick - whole) * 1000);
  return `1795${String(whole >> 1).padStart(15, "0")}.${String(logical).padStart(10, "0")}` as Hlc;
}

/** The tick of an HLC. */
export function tickOfHlc(hlc: Hlc): number {
  return Number(hlc.slice(4, 19)) * 2 + Number(hlc.slice(-10)) / 1000;
}
