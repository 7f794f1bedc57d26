import pg from "pg";
import { Random } from "../simulation/random.ts";
import { pause, until } from "./ports.ts";

/** What a key holds: the version of its row, `null` without a row. */
export type Version = number | null;

/** What to do to the table, which has the columns `id`, `version` and `payload`. */
export interface WorkloadOptions {
  readonly url: string;
  readonly table: string;
  /** Keys from 0 on; each has a row of version 0 at the beginning. */
  readonly keys: number;
  /** The same seed plans the same transactions. */
  readonly seed: number;
  /** Changes a second; without it as many as the database takes. */
  readonly rate?: number | undefined;
  /** Most keys of one transaction. */
  readonly batch?: number | undefined;
  /** Ends by itself after so many changes. */
  readonly changes?: number | undefined;
  /** One that has ended: this one goes on where it left the keys. */
  readonly after?: Workload | undefined;
}

/** One transaction: every key once. */
interface Step {
  readonly version: number;
  readonly inserts: readonly number[];
  readonly updates: readonly number[];
  readonly deletes: readonly number[];
}

const RECONNECT_DEADLINE = 60_000;

/**
 * Changes rows at random, in transactions of several keys, and knows what was committed. It is the only writer of its
 * keys, so when a commit is ambiguous, the row tells.
 */
export class Workload {
  /** Every version that each key had, in the order of the commits, the first one included. */
  readonly history: ReadonlyMap<number, readonly Version[]>;
  /** Resolves when it has ended; rejects when it cannot go on. */
  readonly ended: Promise<void>;
  readonly #options: WorkloadOptions;
  readonly #random: Random;
  readonly #history: Map<number, Version[]>;
  #client: pg.Client | undefined;
  #version: number;
  #changes = 0;
  #ambiguous = 0;
  #stopped = false;

  private constructor(options: WorkloadOptions) {
    this.#options = options;
    const { keys, seed, after } = options;
    this.#version = after === undefined ? 0 : after.#version;
    this.#random = new Random(seed + this.#version);
    const first = Array.from({ length: keys }, (_, id) => [id, [0]] as [number, Version[]]);
    this.history = this.#history = after === undefined ? new Map(first) : after.#history;
    this.ended = this.#run();
    this.ended.catch(() => {}); // told to whoever waits for it
  }

  /** Begins at once. */
  static start(options: WorkloadOptions): Workload {
    return new Workload(options);
  }

  /** Changes committed so far; a transaction has one for each of its keys. */
  get changes(): number {
    return this.#changes;
  }

  /** Transactions whose outcome had to be looked up. */
  get ambiguous(): number {
    return this.#ambiguous;
  }

  /** Resolves when so many changes are committed. */
  async reaches(changes: number, deadline = 60_000): Promise<void> {
    await until(`${changes} committed changes`, deadline, async () => {
      if (this.#stopped) await this.ended;
      return this.#changes >= changes ? true : undefined;
    });
  }

  /** Ends it; what was committed is known then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.ended;
  }

  async #run(): Promise<void> {
    const { changes = Infinity, rate } = this.#options;
    const started = performance.now();
    try {
      while (!this.#stopped && this.#changes < changes) {
        await this.#commit(this.#plan());
        const ahead = rate === undefined ? 0 : this.#changes / rate * 1000 - (performance.now() - started);
        if (ahead > 0) await pause(ahead);
      }
    } finally {
      this.#stopped = true;
      await this.#client?.end().catch(() => undefined);
    }
  }

  #plan(): Step {
    const { keys, batch = 10 } = this.#options;
    const chosen = new Set<number>();
    const size = this.#random.between(1, batch);
    while (chosen.size < Math.min(size, keys)) chosen.add(this.#random.between(0, keys - 1));
    const inserts: number[] = [], updates: number[] = [], deletes: number[] = [];
    for (const key of chosen) {
      const absent = this.#history.get(key)!.at(-1) === null;
      (absent ? inserts : this.#random.chance(0.25) ? deletes : updates).push(key);
    }
    return { version: ++this.#version, inserts, updates, deletes };
  }

  async #commit(step: Step): Promise<void> {
    const committed = await this.#attempt(step).then(() => true, () => this.#lookUp(step));
    if (!committed) return;
    for (const key of [...step.inserts, ...step.updates]) this.#history.get(key)!.push(step.version);
    for (const key of step.deletes) this.#history.get(key)!.push(null);
    this.#changes += step.inserts.length + step.updates.length + step.deletes.length;
  }

  async #attempt(step: Step): Promise<void> {
    const client = this.#client ??= await this.#connect();
    const statements = this.#statements(step);
    const transaction = statements.length > 1 ? ["BEGIN", ...statements, "COMMIT"] : statements;
    for (const statement of transaction) await client.query(statement);
  }

  #statements({ version, inserts, updates, deletes }: Step): string[] {
    const { table } = this.#options;
    const payload = "x".repeat(this.#random.between(1, 100));
    const rows = inserts.map((key) => `(${key}, ${version}, '${payload}')`);
    return [
      ...(inserts.length > 0
        ? [`INSERT INTO ${table} (id, version, payload) VALUES ${rows.join(", ")}`]
        : []),
      ...(updates.length > 0
        ? [
          `UPDATE ${table} SET version = ${version}, payload = '${payload}' WHERE id IN (${
            updates.join(", ")
          })`,
        ]
        : []),
      ...(deletes.length > 0 ? [`DELETE FROM ${table} WHERE id IN (${deletes.join(", ")})`] : []),
    ];
  }

  /** Whether a transaction that failed was committed all the same: one of its rows tells. */
  async #lookUp({ version, inserts, updates, deletes }: Step): Promise<boolean> {
    this.#ambiguous++;
    const [written] = [...inserts, ...updates];
    const key = written ?? deletes[0]!;
    return await until("the database of the workload", RECONNECT_DEADLINE, async () => {
      await this.#client?.end().catch(() => undefined);
      this.#client = undefined;
      this.#client = await this.#connect();
      const { rows } = await this.#client.query(
        `SELECT version FROM ${this.#options.table} WHERE id = ${key}`,
      );
      return written === undefined ? rows.length === 0 : Number(rows[0]?.version) === version;
    });
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#options.url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => {}); // the query that it fails reports it
    await client.connect();
    return client;
  }
}
