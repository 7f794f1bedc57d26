import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";

Deno.test("the agent publishes the rows that are there, then every change, byte for byte", async () => {
  await using rig = await AgentRig.start();
  const table = rig.name;
  await rig.sql(
    `CREATE TABLE ${table} (a INT PRIMARY KEY, b INT)`,
    `INSERT INTO ${table} VALUES (54, NULL), (55, 1)`,
  );
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(2);
  await rig.sql(
    `UPDATE ${table} SET b = 7 WHERE a = 54`,
    `DELETE FROM ${table} WHERE a = 55`,
    `INSERT INTO ${table} VALUES (9007199254740993, 9223372036854775807)`,
  );
  await queue.count(5);
  const body = (key: string, value: string) => `{"table":"${table}","key":"[${key}]","value":${value}}`;
  assert.deepEqual(queue.bodies.slice(0, 2).sort(), [
    body("54", '{"after": {"a": 54, "b": null}}'),
    body("55", '{"after": {"a": 55, "b": 1}}'),
  ]);
  assert.deepEqual(
    new Set(queue.bodies.slice(2)),
    new Set([
      body("54", '{"after": {"a": 54, "b": 7}}'),
      body("55", '{"after": null}'),
      body("9007199254740993", '{"after": {"a": 9007199254740993, "b": 9223372036854775807}}'),
    ]),
  );
  for (const { properties } of queue.messages) {
    assert.equal(properties.contentType, "application/json");
    assert.equal(properties.deliveryMode, 2);
    assert.match(properties.messageId ?? "", /^\d{19}(\.\d+)?-[\w-]{16}$/);
    assert.equal(properties.headers, undefined);
  }
  assert.deepEqual(queue.messages.map(({ properties }) => properties.type).sort(), [
    "delete",
    "read",
    "read",
    "upsert",
    "upsert",
  ]);
  await agent.reaches("rabbitmq_messages_sent", 5);
  assert.equal(await agent.metric("rabbitmq_messages_sent"), 5);
  await agent.reaches("changefeed_gc_headroom_seconds", 60);
  assert.equal((await agent.get("/healthz")).status, 200);
  assert.equal((await agent.get("/readyz")).status, 200);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a graceful stop and start repeats nothing and loses nothing", async () => {
  await using rig = await AgentRig.start();
  const table = rig.name;
  await rig.sql(`CREATE TABLE ${table} (a INT PRIMARY KEY, b INT)`, `INSERT INTO ${table} VALUES (1, 1)`);
  await using queue = await rig.reader();
  for (let round = 1; round <= 3; round++) {
    await using agent = await rig.agent();
    await agent.said(({ message }) => message.startsWith("Sending"));
    await rig.sql(
      `UPDATE ${table} SET b = ${round * 10} WHERE a = 1`,
      `INSERT INTO ${table} VALUES (${round + 1}, 0)`,
    );
    await queue.count(1 + 2 * round);
    assert.equal(await agent.stop(), 0);
    await rig.sql(); // changes while nobody runs come with the next round
  }
  const ids = queue.messages.map(({ properties }) => properties.messageId);
  assert.equal(new Set(ids).size, ids.length, `repeated: ${queue.bodies.join("\n")}`);
  assert.equal(ids.length, 7);
});

Deno.test("the cursor is stored only when everything before it is confirmed, and moves on while it runs", async () => {
  await using rig = await AgentRig.start();
  const table = rig.name;
  await rig.sql(`CREATE TABLE ${table} (a INT PRIMARY KEY)`, `INSERT INTO ${table} VALUES (1)`);
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(1);
  const first = await until("a cursor", 20_000, () => rig.cursor());
  const second = await until("a newer cursor", 20_000, async () => {
    const cursor = await rig.cursor();
    return cursor !== first ? cursor : undefined;
  });
  assert.match(first, /^\d+\.\d{10}$/);
  assert.ok(second !== undefined && BigInt(second.replace(".", "")) > BigInt(first.replace(".", "")));
  assert.equal(await agent.stop(), 0);
});

Deno.test("several tables, quoted names, composite keys, and text of every kind arrive as they are", async () => {
  await using rig = await AgentRig.start();
  const weird = `${rig.name} "Weird"`;
  const quoted = `"${weird.replaceAll('"', '""')}"`;
  const text = 'é 😀 "q" \\ \u0001\n\t end';
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT, s STRING, d DECIMAL, PRIMARY KEY (a, s))`,
    `CREATE TABLE ${quoted} ("id x" INT PRIMARY KEY, v STRING)`,
  );
  await rig.database.query(`INSERT INTO ${rig.name} VALUES (1, $1, 12345678901234567890.12300)`, [text]);
  await rig.database.query(`INSERT INTO ${quoted} VALUES (7, $1)`, [text]);
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args: ["--table", quoted] });
  await queue.count(2);
  const [plain, odd] = queue.bodies.map((body) => JSON.parse(body)).sort((a, b) =>
    a.table.length - b.table.length
  );
  assert.equal(plain.table, rig.name);
  assert.deepEqual(JSON.parse(plain.key), [1, text]);
  assert.equal(plain.value.after.s, text);
  assert.ok(queue.bodies.some((body) => body.includes('"d": 12345678901234567890.12300')));
  assert.equal(odd.table, weird);
  assert.equal(odd.value.after.v, text);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a column that is added while the agent runs arrives in every row, and nothing stops", async () => {
  await using rig = await AgentRig.start();
  const table = rig.name;
  await rig.sql(`CREATE TABLE ${table} (a INT PRIMARY KEY)`, `INSERT INTO ${table} VALUES (1), (2)`);
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(2);
  await rig.sql(`ALTER TABLE ${table} ADD COLUMN b INT DEFAULT 7`);
  // Versions differ in how often they send the rows that are filled.
  const filled = () => queue.bodies.filter((body) => JSON.parse(body).value.after.b === 7).length;
  await until("the filled rows", 30_000, () => filled() >= 2 ? true : undefined);
  await rig.sql(`INSERT INTO ${table} VALUES (3, 8)`, `ALTER TABLE ${table} DROP COLUMN b`);
  await until(
    "the new row",
    30_000,
    () =>
      queue.bodies.some((body) => body.endsWith('"value":{"after": {"a": 3, "b": 8}}}')) ? true : undefined,
  );
  assert.equal(await agent.stop(), 0);
});

Deno.test("addresses with passwords come from files", async () => {
  await using rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  const folder = await Deno.makeTempDir();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.writeTextFile(`${folder}/database`, `${rig.cockroach.url}\n`);
  await Deno.writeTextFile(`${folder}/broker`, `${rig.rabbitmq.url}\n`);
  await using queue = await rig.reader();
  await using agent = await rig.agent({
    env: {
      DATABASE_URL: "",
      DATABASE_URL_FILE: `${folder}/database`,
      AMQP_ADDR: "",
      AMQP_ADDR_FILE: `${folder}/broker`,
    },
  });
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
});

Deno.test("an empty table is no problem, and a row of 1 MB arrives whole", async () => {
  await using rig = await AgentRig.start();
  const table = rig.name;
  await rig.sql(`CREATE TABLE ${table} (a INT PRIMARY KEY, s STRING)`);
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  const big = "x".repeat(1_000_000);
  await rig.database.query(`INSERT INTO ${table} VALUES (1, $1)`, [big]);
  await queue.count(1);
  assert.equal(JSON.parse(queue.bodies[0] ?? "").value.after.s, big);
  assert.equal(await agent.stop(), 0);
});
