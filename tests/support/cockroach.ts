import pg from "pg";
import { SIMULATOR_VARIABLE } from "../simulator/control_messages.ts";
import { CockroachBinary } from "./cockroach_binary.ts";
import { CockroachContainer } from "./cockroach_container.ts";
import { CockroachSimulator } from "./cockroach_simulator.ts";
import { findProgram } from "./guarded_process.ts";
import { GaveUp, until } from "./ports.ts";
import type { SimulatorControl } from "./simulator_control.ts";

export { SIMULATOR_VARIABLE };

/** A CockroachDB that runs already: its address as root, as DATABASE_URL has it. */
export const URL_VARIABLE = "COCKROACH_URL";
/** Path of a `cockroach` program, if it is not on PATH. */
export const BINARY_VARIABLE = "COCKROACH_BIN";

/** Where CockroachDB comes from, in the order of preference. */
export type CockroachOrigin = "COCKROACH_URL" | "binary" | "docker" | "simulator";

/** How to start it; everything has a default. */
export interface CockroachOptions {
  /** One that no other test uses; with a cluster setting or a collected table others must not meet it. */
  readonly private?: boolean;
  /** A simulator of this version (`v23.1.14`), whatever else is there. */
  readonly version?: string;
  /** A simulator, whatever else is there: for faults that nothing else can make. */
  readonly simulator?: boolean;
}

/** A node that this process runs, or a simulated one. */
export interface CockroachHost {
  readonly url: string;
  /** Starts it, or starts it again with its data. */
  boot(): Promise<void>;
  /** Rejects, with the reason, when it is gone. */
  failIfGone(): Promise<void>;
  kill(): Promise<void>;
  /** Ends it gracefully. */
  drain(): Promise<void>;
  /** Kills it and removes everything it kept. */
  remove(): Promise<void>;
}

const BOOT_DEADLINE = 120_000;
/** For speed; versions know different ones of them. */
const FAST_SETTINGS = [
  "kv.rangefeed.enabled = true",
  "changefeed.experimental_poll_interval = '100ms'",
  "kv.closed_timestamp.target_duration = '200ms'",
  "kv.closed_timestamp.side_transport_interval = '50ms'",
  "kv.rangefeed.closed_timestamp_refresh_interval = '50ms'",
];

/** CockroachDB for the tests, with a database of their own. */
export class Cockroach {
  /** As root, in the tests' own database. */
  readonly url: string;
  /** The tests' own database. */
  readonly database: string;
  /** Where it comes from. */
  readonly origin: CockroachOrigin;
  readonly #host: CockroachHost | undefined;

  private constructor(url: string, database: string, origin: CockroachOrigin, host?: CockroachHost) {
    const own = new URL(url);
    own.pathname = `/${database}`;
    this.url = own.href;
    this.database = database;
    this.origin = origin;
    this.#host = host;
  }

  /** Starts one; resolves when statements run. */
  static async start(options: CockroachOptions = {}): Promise<Cockroach> {
    const database = `test_${crypto.randomUUID().slice(0, 8)}`;
    const simulated = options.simulator === true || options.version !== undefined;
    const given = simulated || options.private === true ? undefined : Deno.env.get(URL_VARIABLE);
    const { origin, host } = given
      ? { origin: "COCKROACH_URL" as const, host: undefined }
      : await chooseHost(options);
    const cockroach = new Cockroach(given || host!.url, database, origin, host);
    try {
      await host?.boot();
      await cockroach.#prepare(given || host!.url);
    } catch (error) {
      await host?.remove();
      throw error;
    }
    return cockroach;
  }

  /** Stops one of our own and removes its data; in a given or shared one only the database goes. */
  async stop(): Promise<void> {
    if (this.origin === "COCKROACH_URL" || this.isSimulator) {
      await this.sql(`DROP DATABASE IF EXISTS ${this.database} CASCADE`).catch(() => undefined);
    }
    await this.#host?.remove();
  }

  /** True when {@linkcode simulator} can be used. */
  get isSimulator(): boolean {
    return this.#host instanceof CockroachSimulator;
  }

  /** For child processes that are to use the same one. */
  get environment(): Record<string, string> {
    return this.#host instanceof CockroachSimulator
      ? { [SIMULATOR_VARIABLE]: this.#host.controlAddress }
      : { [URL_VARIABLE]: this.url };
  }

  /** Faults and generated tables; throws on a real CockroachDB. */
  get simulator(): SimulatorControl {
    if (this.#host instanceof CockroachSimulator) return this.#host.control;
    throw new Error(`only the simulator can do that, and this CockroachDB is from ${this.origin}`);
  }

  /** SIGKILL: connections end, the port is closed, committed data stays for {@linkcode restart}. */
  async kill(): Promise<void> {
    await this.#own("kill").kill();
  }

  /** Graceful shutdown, as before an upgrade: clients get 57P01. Resolves when it is down. */
  async drain(): Promise<void> {
    await this.#own("drain").drain();
  }

  /** Starts it again after {@linkcode kill} or {@linkcode drain}. */
  async restart(): Promise<void> {
    await this.#own("restart").boot();
    await this.#waitForLogin(this.url);
  }

  /** Cancels the changefeeds of this database's tables (57014) and says how many there were. */
  async cancelFeeds(): Promise<number> {
    if (this.isSimulator) return await this.simulator.cancelFeeds();
    const tables = (await this.sql("SHOW TABLES")).map(({ table_name: name }) => String(name));
    // Other tests have feeds here too. What was CREATE CHANGEFEED is EXPERIMENTAL CHANGEFEED here, on v21.2 and v22.1.
    const running = (await this.sql("SHOW CLUSTER QUERIES")).filter(({ query }) =>
      /CHANGEFEED\s+FOR/i.test(String(query)) && tables.some((table) => String(query).includes(table))
    );
    for (const { query_id: id } of running) await this.sql(`CANCEL QUERY '${String(id)}'`);
    return running.length;
  }

  /** Runs one statement as root in the tests' own database. */
  async sql(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return await query(this.url, text, values);
  }

  async #prepare(url: string): Promise<void> {
    await this.#waitForLogin(url);
    if (this.origin !== "COCKROACH_URL" && !this.isSimulator) {
      for (const setting of FAST_SETTINGS) {
        await query(url, `SET CLUSTER SETTING ${setting}`).catch((error) => {
          if (!(error instanceof pg.DatabaseError)) throw error;
        });
      }
    }
    await query(url, `CREATE DATABASE ${this.database}`);
  }

  #own(action: string): CockroachHost {
    if (this.#host !== undefined) return this.#host;
    throw new Error(
      `${action}: not possible on the CockroachDB of ${URL_VARIABLE}, which is not ours; unset it`,
    );
  }

  async #waitForLogin(url: string): Promise<void> {
    await until(`CockroachDB at ${new URL(url).host}`, BOOT_DEADLINE, async () => {
      await this.#host?.failIfGone().catch((error: Error) => {
        throw new GaveUp(error.message);
      });
      await query(url, "SELECT 1");
      return true;
    });
  }
}

async function chooseHost(
  options: CockroachOptions,
): Promise<{ origin: CockroachOrigin; host: CockroachHost }> {
  const simulated = options.simulator === true || options.version !== undefined;
  if (!simulated) {
    const program = Deno.env.get(BINARY_VARIABLE) || await findProgram("cockroach");
    if (program) return { origin: "binary", host: new CockroachBinary(program) };
    if (await CockroachContainer.isToBeHad()) return { origin: "docker", host: new CockroachContainer() };
  }
  return { origin: "simulator", host: await CockroachSimulator.start(options) };
}

async function query(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection that breaks fails its query; what comes on top must not end the process.
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
