import pg from "pg";
import type { Cockroach } from "../support/cockroach.ts";
import { pause } from "../support/ports.ts";

/** What a table holds and how fast it changes. */
export interface TableOptions {
  /** Rows that are there from the beginning. */
  readonly rows: number;
  /** Length of a row's JSON, about. */
  readonly bytes: number;
  /** Changes a second from now on; none by default. */
  readonly rate?: number;
}

/** Rows of one INSERT. */
const BATCH = 5_000;
/** Up to this rate every change is a transaction of its own; above, all that are due are one. */
const MOST_SINGLE = 1_000;
/** How often changes are written above that rate, in milliseconds. */
const TICK = 20;
/** Of a row's JSON, all but the payload. */
const ROW_OVERHEAD = `{"id": 123456, "payload": "", "version": 10}`.length;

/** A table to be published: computed by the simulator, or made with SQL in a real CockroachDB. */
export class BenchTable {
  /** Its name, which no other table has. */
  readonly name = `b_${crypto.randomUUID().slice(0, 8)}`;
  readonly #cockroach: Cockroach;
  readonly #stop = new AbortController();
  #changing: Promise<void> | undefined;

  private constructor(cockroach: Cockroach) {
    this.#cockroach = cockroach;
  }

  /** Makes the table; its changes begin at once. */
  static async create(cockroach: Cockroach, { rows, bytes, rate = 0 }: TableOptions): Promise<BenchTable> {
    const table = new BenchTable(cockroach);
    if (cockroach.isSimulator) {
      await cockroach.simulator.generate({ name: table.name, rows, bytes, rate });
    } else {
      await table.#fill(rows, bytes);
      if (rate > 0) table.#changing = table.#change(rows, bytes, rate);
    }
    return table;
  }

  /** Ends the changes and removes the table. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#changing;
    if (!this.#cockroach.isSimulator) await this.#cockroach.sql(`DROP TABLE ${this.name}`);
  }

  async #fill(rows: number, bytes: number): Promise<void> {
    await this.#cockroach.sql(
      `CREATE TABLE ${this.name} (id INT PRIMARY KEY, payload STRING, version INT)`,
    );
    for (let from = 0; from < rows; from += BATCH) {
      await this.#cockroach.sql(this.#upsert(bytes), [from, Math.min(from + BATCH, rows) - 1, 0]);
    }
  }

  /** Goes through the keys in turn. Late ticks are made up for, so that the rate is kept. */
  async #change(rows: number, bytes: number, rate: number): Promise<void> {
    const client = new pg.Client(this.#cockroach.url);
    await client.connect();
    const started = performance.now();
    let done = 0;
    while (!this.#stop.signal.aborted) {
      const due = Math.floor((performance.now() - started) / 1000 * rate);
      while (done < due && !this.#stop.signal.aborted) {
        const from = done % rows;
        const count = rate <= MOST_SINGLE ? 1 : Math.min(due - done, rows - from);
        await client.query(this.#upsert(bytes), [from, from + count - 1, Math.floor(done / rows) + 1]);
        done += count;
      }
      await pause(rate <= MOST_SINGLE ? 1 : TICK);
    }
    await client.end();
  }

  #upsert(bytes: number): string {
    const payload = `repeat('x', ${Math.max(0, bytes - ROW_OVERHEAD)})`;
    return `UPSERT INTO ${this.name} SELECT i, ${payload}, $3::INT FROM generate_series($1::INT, $2::INT) AS g(i)`;
  }
}
