import assert from "node:assert/strict";
import { type AgentOptions, AgentProcess, type LogLine } from "../support/agent_process.ts";
import { check, type CheckOptions, type Entry, type Verdict } from "../support/checker.ts";
import { Cockroach, type CockroachOptions, SIMULATOR_VARIABLE } from "../support/cockroach.ts";
import { until } from "../support/ports.ts";
import { RabbitMQ, type RabbitMQOptions } from "../support/rabbitmq.ts";
import type { RabbitMQCluster } from "../support/rabbitmq_cluster.ts";
import { say } from "../support/terminal.ts";
import { Workload, type WorkloadOptions } from "../support/workload.ts";
import { CursorWatch } from "./cursor_watch.ts";
import { Witness } from "./witness.ts";

/** Most messages in flight of the agents under test: a broker's failure repeats at most so many. */
export const MAX_IN_FLIGHT = 100;
/** A CockroachDB that may be stopped: each test has a node of its own in the shared simulator anyway. */
export const OWN_COCKROACH: CockroachOptions = { private: Deno.env.get(SIMULATOR_VARIABLE) === undefined };
/**
 * Makes an agent's time run ten times as fast, but not the broker's: without long heartbeats it would take the broker for
 * dead.
 */
export const FAST_TIME = {
  preload: new URL("./fast_time.ts", import.meta.url).pathname,
  args: ["--amqp-heartbeat", "600s"],
};
const SETTLE_DEADLINE = 40_000;

/** What a trial starts with. */
export interface TrialOptions {
  readonly cockroach?: CockroachOptions;
  readonly rabbitmq?: RabbitMQOptions;
  /** Instead of a single broker. The trial takes it down. */
  readonly cluster?: RabbitMQCluster;
  /** Rows of the table, of version 0; the workload changes the first of them. */
  readonly rows?: number;
  /** Keys that the workload changes. */
  readonly keys?: number;
  /** Arguments of the queue. */
  readonly queueArguments?: Record<string, string | number>;
  /** Repeats the random choices of a trial; default: FAULT_SEED, else a new one. */
  readonly seed?: number | undefined;
}

/**
 * The whole agent under a fault: services, a table that changes at random, and a witness in the queue. At the end the
 * verdict compares what the queue got with what was committed.
 */
export class Trial {
  /** CockroachDB, with a database of this trial. */
  readonly cockroach: Cockroach;
  /** RabbitMQ, or a cluster of it. */
  readonly #broker: RabbitMQ | RabbitMQCluster;
  /** Name of the table and of the queue. */
  readonly name: string;
  /** Notes in the agent's queue. */
  readonly witness: Witness;
  readonly #rows: number;
  readonly #keys: number;
  /** What the random choices of this trial come from. */
  readonly seed: number;
  readonly #written: [key: number, version: number][] = [];
  readonly #taken: Entry[] = [];
  readonly #watch: CursorWatch;
  #workload: Workload | undefined;
  #newest: AgentProcess | undefined;

  private constructor(
    cockroach: Cockroach,
    broker: RabbitMQ | RabbitMQCluster,
    witness: Witness,
    rows: number,
    keys: number,
    seed: number | undefined,
  ) {
    this.cockroach = cockroach;
    this.#broker = broker;
    this.witness = witness;
    this.name = witness.queue;
    this.#rows = rows;
    this.#keys = keys;
    this.seed = seed ?? Number(Deno.env.get("FAULT_SEED") ?? Math.floor(Math.random() * 1e9));
    this.#watch = new CursorWatch(() => this.cursor(), witness);
    say(`FAULT_SEED=${this.seed}`);
  }

  /** Services, table and queue; no agent and no changes yet. */
  static async start(options: TrialOptions = {}): Promise<Trial> {
    const { rows = 300, keys = 300, queueArguments, cluster } = options;
    const [cockroach, broker] = await Promise.all([
      Cockroach.start(options.cockroach),
      cluster ?? RabbitMQ.start(options.rabbitmq),
    ]);
    const name = `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
    const witness = await Witness.start(broker.url.split(","), name, queueArguments);
    await cockroach.sql(`CREATE TABLE ${name} (id INT PRIMARY KEY, version INT NOT NULL, payload STRING)`);
    await cockroach.sql(`INSERT INTO ${name} SELECT g, 0, 'first' FROM generate_series(0, ${rows - 1}) g`);
    return new Trial(cockroach, broker, witness, rows, Math.min(keys, rows), options.seed);
  }

  /** The single broker. */
  get rabbitmq(): RabbitMQ {
    assert.ok(this.#broker instanceof RabbitMQ, "this trial has a cluster");
    return this.#broker;
  }

  /** The workload, once it runs. */
  get workload(): Workload {
    assert.ok(this.#workload, "the workload has not begun");
    return this.#workload;
  }

  /** Starts an agent with few messages in flight. */
  async agent({ args = [], env = {}, ...options }: Partial<AgentOptions> = {}): Promise<AgentProcess> {
    const { name } = this;
    const own = ["--table", name, "--cursor-frequency", "500ms", "--max-in-flight", String(MAX_IN_FLIGHT)];
    const agent = await AgentProcess.start({
      args: [...own, ...args],
      env: { DATABASE_URL: this.cockroach.url, AMQP_ADDR: this.#broker.url, AMQP_QUEUE: name, ...env },
      ...options,
    });
    this.#newest = agent;
    return agent;
  }

  /** Starts an agent, waits until the first rows are all confirmed, and begins to change them. */
  async running(
    options: Partial<AgentOptions> = {},
    workload: Partial<WorkloadOptions> = {},
  ): Promise<AgentProcess> {
    const agent = await this.agent(options);
    try {
      await agent.said(({ message }) => message === "The initial scan is confirmed");
      this.change({ rate: 1000, ...workload });
      await this.workload.reaches(100);
      return agent;
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Begins to change rows, or goes on with it. */
  change(options: Partial<WorkloadOptions> = {}): Workload {
    const { cockroach: { url }, name: table } = this;
    const own = { url, table, keys: this.#keys, seed: this.seed, after: this.#workload };
    return this.#workload = Workload.start({ ...own, ...options });
  }

  /** Waits until so many more changes are committed. */
  more(changes: number): Promise<void> {
    return this.workload.reaches(this.workload.changes + changes);
  }

  /** The stored cursor; throws while there is no table for it. */
  async cursor(): Promise<string | undefined> {
    const key = `${this.cockroach.database}.public.${this.name}`;
    const [row] = await this.cockroach.sql("SELECT cursor FROM cursor_store WHERE key = $1", [key]);
    return row === undefined ? undefined : String(row["cursor"]);
  }

  /** Updates a row that the workload leaves alone, with so many bytes of payload. */
  async write(key: number, version: number, bytes: number): Promise<void> {
    const payload = "x".repeat(bytes);
    await this.cockroach.sql(
      `UPDATE ${this.name} SET version = ${version}, payload = '${payload}' WHERE id = ${key}`,
    );
    this.#written.push([key, version]);
  }

  /** SIGKILL; repeats after it are the kill's, and none of them may be at or below the cursor stored then. */
  async kill(agent: AgentProcess): Promise<void> {
    agent.signal("SIGKILL");
    await agent.exit;
    await this.witness.note("SIGKILL", await this.cursor());
  }

  /** The agent has to stop for good, with this kind of error; gives the line that says so. */
  async stopped(agent: AgentProcess, kind: string): Promise<LogLine> {
    const code = await agent.exit;
    const line = (await agent.log()).findLast(({ level }) => level === "error");
    assert.deepEqual([code, line?.kind], [1, kind], await agent.output());
    return line!;
  }

  /** Takes what is in the queue, or so many of its messages, away as a consumer does. */
  async consume(count?: number): Promise<void> {
    this.#taken.push(...await (count === undefined ? this.witness.readAll() : this.witness.take(count)));
  }

  /** Ends the changes and waits until all of them are confirmed. */
  async settle(): Promise<void> {
    await this.#workload?.stop();
    await this.caughtUp();
  }

  /** Waits until everything committed before this call is confirmed, which is when the stored cursor is above it. */
  async caughtUp(deadline = SETTLE_DEADLINE): Promise<void> {
    const [{ now } = {}] = await this.cockroach.sql("SELECT cluster_logical_timestamp()::STRING AS now");
    const least = BigInt(String(now).replace(".", ""));
    await until("a cursor above all changes", deadline, async () => {
      const cursor = await this.cursor();
      return cursor !== undefined && BigInt(cursor.replace(".", "")) >= least ? true : undefined;
    }).catch(async (error) => {
      throw new Error(`${error.message}; the newest agent said:\n${await this.#newest?.output()}`, {
        cause: error,
      });
    });
  }

  /** Reads the queue and compares; call it when everything is settled and the agents are stopped. */
  async verdict(options: CheckOptions = {}): Promise<Verdict> {
    await this.#watch.stop();
    const entries = [...this.#taken, ...await this.witness.readAll()];
    const found = await this.cockroach.sql(`SELECT id, version FROM ${this.name}`);
    const rows = new Map(found.map(({ id, version }) => [Number(id), Number(version)]));
    const untouched = Array.from({ length: this.#rows }, (_, id) => [id, [0]] as const);
    const history = new Map<number, readonly (number | null)[]>(untouched);
    for (const [key, versions] of this.#workload?.history ?? []) history.set(key, versions);
    for (const [key, version] of this.#written) history.set(key, [...history.get(key) ?? [], version]);
    const verdict = check(entries, { history, rows }, options);
    say(
      `${verdict.messages} messages, ${verdict.missing.length} missing, repeated: ${
        JSON.stringify(verdict.repeats)
      }`,
    );
    return verdict;
  }

  /** Nothing is lost, nothing is out of order, and no cursor or watermark was ahead; gives the verdict. */
  async sound(options: CheckOptions = {}): Promise<Verdict> {
    const verdict = await this.verdict(options);
    const { missing, unexpected, misordered, stale, ahead, backward, belowCursor } = verdict;
    const few = (list: readonly string[]) => list.slice(0, 5);
    assert.deepEqual(
      {
        missing: few(missing),
        unexpected: few(unexpected),
        misordered: few(misordered),
        stale: few(stale),
        ahead: few(ahead),
        backward: few(backward),
        belowCursor: few(belowCursor),
      },
      { missing: [], unexpected: [], misordered: [], stale: [], ahead: [], backward: [], belowCursor: [] },
    );
    return verdict;
  }

  /** Takes everything down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch.stop();
    await this.#workload?.stop().catch(() => undefined); // its database may be gone
    await this.witness[Symbol.asyncDispose]();
    await Promise.all([this.cockroach.stop(), this.#broker.stop()]);
  }
}
