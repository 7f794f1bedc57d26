import assert from "node:assert/strict";
import pg from "pg";
import { deleteQueues, takeMessages, uniqueName } from "../integration/rabbitmq_rig.ts";
import { Cockroach } from "../support/cockroach.ts";
import { until } from "../support/ports.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { Executable } from "./executable.ts";
import { RunningAgent } from "./running_agent.ts";

const DEADLINE = 20_000;

let executable: Executable;
let cockroach: Cockroach;
let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  executable = await Executable.prepare();
  [cockroach, rabbitmq] = await Promise.all([Cockroach.start(), RabbitMQ.start()]);
});
Deno.test.afterAll(async () => {
  await Promise.all([cockroach.stop(), rabbitmq.stop()]);
  await executable[Symbol.asyncDispose]();
});

/** A table and a queue of one test, and the agent between them. */
class Job implements AsyncDisposable {
  readonly table = `foo_${crypto.randomUUID().slice(0, 8)}`;
  readonly queue = uniqueName();
  readonly database = new pg.Client(cockroach.url);
  readonly #agents: RunningAgent[] = [];

  static async prepare(): Promise<Job> {
    const job = new Job();
    await job.database.connect();
    await job.database.query(`CREATE TABLE ${job.table} (a INT PRIMARY KEY, b STRING, c DECIMAL)`);
    return job;
  }

  /** Starts the agent; resolves when changes from now on are published. */
  async start(...more: string[]): Promise<RunningAgent> {
    const args = ["--table", this.table, "--cursor-frequency", "500ms", ...more];
    const env = { DATABASE_URL: cockroach.url, AMQP_ADDR: rabbitmq.url, AMQP_QUEUE: this.queue };
    const agent = await RunningAgent.start(executable, args, env);
    this.#agents.push(agent);
    await agent.ready();
    return agent;
  }

  /** Takes so many messages from the queue: their bodies. */
  async bodies(count: number): Promise<string[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(async () => {
      const logs = await Promise.all(this.#agents.map((agent) => agent.log()));
      reject(
        new Error(`not ${count} messages within ${DEADLINE} ms; logs: ${JSON.stringify(logs, null, 1)}`),
      );
    }, DEADLINE);
    const messages = await Promise.race([takeMessages(rabbitmq.url, this.queue, count), late]);
    clearTimeout(timer);
    return messages.map((message) => message.bodyString() ?? "");
  }

  /** The body of a change as the original program sent it. */
  body(key: number, value: string): string {
    return `{"table":"${this.table}","key":"[${key}]","value":${value}}`;
  }

  /** The cursor in CockroachDB, without its logical part. */
  async cursor(): Promise<bigint> {
    const query = "SELECT cursor FROM cursor_store WHERE key LIKE $1";
    const { rows } = await this.database.query(query, [`%.public.${this.table}`]);
    assert.equal(rows.length, 1);
    assert.match(rows[0].cursor, /^\d{19}\.\d{10}$/);
    return BigInt(rows[0].cursor.split(".")[0]);
  }

  /** Table and cursor go with the database of this run. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.end();
    await deleteQueues(rabbitmq.url, this.queue);
  }
}

Deno.test("the executable publishes every change as the original did, and keeps its cursor", async () => {
  await using job = await Job.prepare();
  await using agent = await job.start();
  const before = await now(job.database);
  await job.database.query(`INSERT INTO ${job.table} VALUES (1, 'ä "quoted"', 1.50), (2, NULL, NULL)`);
  await job.database.query(`UPDATE ${job.table} SET c = 12345678901234567890.10 WHERE a = 1`);
  await job.database.query(`DELETE FROM ${job.table} WHERE a = 2`);
  const bodies = await job.bodies(4);
  const ofKey = (key: number) => bodies.filter((body) => body.includes(`"key":"[${key}]"`));
  assert.deepEqual(ofKey(1), [
    job.body(1, '{"after": {"a": 1, "b": "ä \\"quoted\\"", "c": 1.50}}'),
    job.body(1, '{"after": {"a": 1, "b": "ä \\"quoted\\"", "c": 12345678901234567890.10}}'),
  ]);
  assert.deepEqual(ofKey(2), [
    job.body(2, '{"after": {"a": 2, "b": null, "c": null}}'),
    job.body(2, '{"after": null}'),
  ]);
  assert.match((await agent.fetch("/metrics")).body, /^rabbitmq_messages_sent 4$/m);
  const moved = async () => await job.cursor() > before || undefined;
  await until("a cursor above the time before the changes", DEADLINE, moved);
  assert.equal(await agent.stop(), 0);
});

Deno.test("the executable goes on where it stopped: nothing is lost and nothing comes twice", async () => {
  await using job = await Job.prepare();
  {
    await using agent = await job.start();
    await job.database.query(`INSERT INTO ${job.table} VALUES (1, 'before', 1)`);
    assert.deepEqual(await job.bodies(1), [job.body(1, '{"after": {"a": 1, "b": "before", "c": 1}}')]);
    assert.equal(await agent.stop(), 0);
  }
  await job.database.query(`INSERT INTO ${job.table} VALUES (2, 'between', 2)`);
  await using agent = await job.start();
  await job.database.query(`INSERT INTO ${job.table} VALUES (3, 'after', 3)`);
  const bodies = await job.bodies(2);
  assert.deepEqual(bodies.toSorted(), [ // between keys there is no order
    job.body(2, '{"after": {"a": 2, "b": "between", "c": 2}}'),
    job.body(3, '{"after": {"a": 3, "b": "after", "c": 3}}'),
  ]);
  assert.match((await agent.fetch("/metrics")).body, /^rabbitmq_messages_sent 2$/m);
  assert.equal(await agent.stop(), 0);
});

Deno.test("the executable publishes the rows that are there with --initial-scan yes", async () => {
  await using job = await Job.prepare();
  await job.database.query(`INSERT INTO ${job.table} VALUES (1, 'old', 1)`);
  await using agent = await job.start("--initial-scan", "yes");
  assert.deepEqual(await job.bodies(1), [job.body(1, '{"after": {"a": 1, "b": "old", "c": 1}}')]);
  assert.equal(await agent.stop(), 0);
});

Deno.test("the executable publishes a whole table while it pauses the socket again and again, every byte as it is", async () => {
  await using job = await Job.prepare();
  const rows = 40_000, text = "x".repeat(150);
  await job.database.query(
    `INSERT INTO ${job.table} SELECT i, repeat('x', 150), i::DECIMAL FROM generate_series(1::INT, $1::INT) AS g(i)`,
    [rows],
  );
  await using agent = await job.start("--initial-scan", "yes");
  const bodies = await job.bodies(rows);
  const expected = Array.from({ length: rows }, (_, i) => {
    return job.body(i + 1, `{"after": {"a": ${i + 1}, "b": "${text}", "c": ${i + 1}}}`);
  });
  assert.deepEqual(new Set(bodies), new Set(expected));
  assert.equal(await agent.stop(), 0);
});

Deno.test("the executable ends with exit code 0 when head has its five lines", async () => {
  await using job = await Job.prepare();
  await job.database.query(`INSERT INTO ${job.table} SELECT i FROM generate_series(1::INT, 20::INT) AS g(i)`);
  const shell = '{ "$@"; echo "exit code $?" >&2; } | head -n 5';
  const args = ["--table", job.table, "--queue", "stdout", "--cursor-store", "none"];
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", shell, "sh", executable.path, ...args],
    env: { DATABASE_URL: cockroach.url, PROMETHEUS_ADDR: "127.0.0.1:0", PATH: Deno.env.get("PATH") ?? "" },
    clearEnv: true,
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE),
  }).output();
  const [lines = "", log = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const expected = [1, 2, 3, 4, 5].map((a) => job.body(a, `{"after": {"a": ${a}, "b": null, "c": null}}`));
  assert.deepEqual(lines.trimEnd().split("\n"), expected, log);
  assert.match(log, /"The reader of stdout is gone: stopped"[^]*\nexit code 0\n$/);
});

Deno.test("a second executable stands by, is ready, and takes over", async () => {
  await using job = await Job.prepare();
  await using first = await job.start();
  await using second = await job.start();
  await second.logged("standing by");
  await job.database.query(`INSERT INTO ${job.table} VALUES (1, 'first', 1)`);
  assert.deepEqual(await job.bodies(1), [job.body(1, '{"after": {"a": 1, "b": "first", "c": 1}}')]);
  assert.match((await second.fetch("/metrics")).body, /^rabbitmq_messages_sent 0$/m);
  assert.equal(await first.stop(), 0);
  await job.database.query(`INSERT INTO ${job.table} VALUES (2, 'second', 2)`);
  assert.deepEqual(await job.bodies(1), [job.body(2, '{"after": {"a": 2, "b": "second", "c": 2}}')]);
  assert.equal(await second.stop(), 0);
});

async function now(database: pg.Client): Promise<bigint> {
  const { rows } = await database.query("SELECT cluster_logical_timestamp()::STRING AS now");
  return BigInt(String(rows[0].now).split(".")[0] ?? 0);
}
