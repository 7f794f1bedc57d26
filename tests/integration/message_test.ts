import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";
import { readCloudEvent } from "../support/cloud_event.ts";
import type { Delivery, QueueReader } from "../support/queue_reader.ts";
import { stopsWith } from "./refusal.ts";

const HLC = String.raw`\d{19}\.\d{10}`;

async function rigWithTable(columns = "a INT PRIMARY KEY, b STRING"): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (${columns})`);
  return rig;
}

/** Starts an agent, waits for the end of its scan, makes changes, and gives the messages of all that. */
async function publish(
  rig: AgentRig,
  args: readonly string[],
  changes: readonly string[],
  count: number,
  start: () => Promise<QueueReader> = () => rig.reader(),
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Delivery[]> {
  await using queue = await start();
  await using agent = await rig.agent({ args, env });
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(...changes);
  await queue.count(count);
  assert.equal(await agent.stop(), 0);
  assert.equal(queue.messages.length, count);
  return queue.messages;
}

Deno.test("--format value sends the value column alone", async () => {
  await using rig = await rigWithTable();
  const messages = await publish(rig, ["--format", "value"], [
    `INSERT INTO ${rig.name} VALUES (1, 'x')`,
    `DELETE FROM ${rig.name}`,
  ], 2);
  assert.deepEqual(messages.map(({ body }) => body), ['{"after": {"a": 1, "b": "x"}}', '{"after": null}']);
  assert.deepEqual(messages.map(({ properties }) => properties.contentType), [
    "application/json",
    "application/json",
  ]);
});

Deno.test("--format cloudevents sends structured CloudEvents of a scan and of what changes", async () => {
  await using rig = await rigWithTable();
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1, 'x')`);
  const messages = await publish(rig, ["--format", "cloudevents", "--diff"], [
    `INSERT INTO ${rig.name} VALUES (2, 'y')`,
    `UPDATE ${rig.name} SET b = 'z' WHERE a = 2`,
    `DELETE FROM ${rig.name} WHERE a = 2`,
  ], 4);
  const events = messages.map(({ body, properties }) => {
    assert.equal(properties.contentType, "application/cloudevents+json");
    const { id, time, ...event } = readCloudEvent(body);
    assert.equal(id, properties.messageId);
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    return event;
  });
  const [, y, z] = ["x", "y", "z"].map((b) => ({ a: 2, b }));
  const expected = [
    ["read", "[1]", { after: { a: 1, b: "x" }, before: null }],
    ["insert", "[2]", { after: y, before: null }],
    ["update", "[2]", { after: z, before: y }],
    ["delete", "[2]", { after: null, before: z }],
  ] as const;
  assert.deepEqual(
    events,
    expected.map(([operation, subject, data]) => ({
      specversion: "1.0",
      source: `/crdb-changefeed-publisher/${rig.feed}`,
      datacontenttype: "application/json",
      type: `crdb.changefeed.${operation}`,
      subject,
      table: rig.name,
      data,
    })),
  );
});

Deno.test("--headers standard and --header add headers", async () => {
  await using rig = await rigWithTable();
  const own =
    'region=eu,note="a, b",n=7,on=true,at=2026-01-31T12:00:00Z,row={database}.{table}{key} {op},b={{}}';
  const args = ["--headers", "standard", "--header", own];
  const [message] = await publish(rig, args, [`INSERT INTO ${rig.name} VALUES (1, 'x')`], 1);
  const { updated, ...headers } = message?.properties.headers ?? {};
  assert.match(String(updated), new RegExp(`^${HLC}$`));
  assert.deepEqual(headers, {
    table: rig.name,
    key: "[1]",
    feed: rig.feed,
    region: "eu",
    note: "a, b",
    n: 7,
    on: true,
    at: new Date("2026-01-31T12:00:00Z"),
    row: `${rig.cockroach.database}.${rig.name}[1] upsert`,
    b: "{}",
  });
});

Deno.test("--diff sends the row before the change, and tells inserts from updates", async () => {
  await using rig = await rigWithTable();
  const messages = await publish(rig, ["--diff"], [
    `INSERT INTO ${rig.name} VALUES (1, 'x')`,
    `UPDATE ${rig.name} SET b = 'y'`,
    `DELETE FROM ${rig.name}`,
  ], 3);
  assert.deepEqual(messages.map(({ body, properties }) => [properties.type, JSON.parse(body).value]), [
    ["insert", { after: { a: 1, b: "x" }, before: null }],
    ["update", { after: { a: 1, b: "y" }, before: { a: 1, b: "x" } }],
    ["delete", { after: null, before: { a: 1, b: "y" } }],
  ]);
});

Deno.test("--exchange with --routing-key routes by table, schema, database, operation and key", async () => {
  await using rig = await rigWithTable();
  await rig.withBroker(async (client) => {
    await (await client.channel()).exchangeDeclare(rig.name, "topic", { durable: false, autoDelete: true });
  });
  const start = async () => {
    const queue = await rig.reader();
    await rig.withBroker(async (client) => {
      const channel = await client.channel();
      await channel.queueBind(rig.name, rig.name, "#.delete.#");
      await channel.queueBind(rig.name, rig.name, `*.public.${rig.name}.upsert.[1]`);
    });
    return queue;
  };
  const args = ["--exchange", rig.name, "--routing-key", "{database}.{schema}.{table}.{op}.{key}"];
  const messages = await publish(
    rig,
    args,
    [
      `INSERT INTO ${rig.name} VALUES (1, 'x')`,
      `DELETE FROM ${rig.name}`,
    ],
    2,
    start,
    { AMQP_QUEUE: "" },
  );
  assert.deepEqual(messages.map(({ exchange, routingKey }) => [exchange, routingKey]), [
    [rig.name, `${rig.feed}.upsert.[1]`],
    [rig.name, `${rig.feed}.delete.[1]`],
  ]);
});

Deno.test("--changefeed-option changes what CockroachDB sends", async () => {
  await using rig = await rigWithTable();
  const changes = [`INSERT INTO ${rig.name} VALUES (1, 'x')`];
  const updated = await publish(rig, ["--changefeed-option", "updated"], changes, 1);
  assert.match(
    updated[0]?.body ?? "",
    new RegExp(`"value":{"after": {"a": 1, "b": "x"}, "updated": "${HLC}"}}$`),
  );
});

Deno.test("--changefeed-option schema_change_policy=stop stops at new columns; started again it goes on with them", async () => {
  await using rig = await rigWithTable();
  await using queue = await rig.reader();
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1, 'x')`);
  const args = ["--changefeed-option", "schema_change_policy=stop"];
  {
    await using agent = await rig.agent({ args });
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    await rig.sql(`ALTER TABLE ${rig.name} ADD COLUMN c INT DEFAULT 7`);
    await stopsWith(agent, { kind: "SchemaChanged", hint: /start again/ });
  }
  await using agent = await rig.agent({ args });
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 'y', 8)`);
  await until("the new row", 20_000, () => queue.bodies.at(-1)?.includes('"key":"[2]"') || undefined);
  assert.equal(await agent.stop(), 0);
  const afters = queue.bodies.map((body) => JSON.parse(body).value.after);
  assert.deepEqual(afters[0], { a: 1, b: "x" });
  assert.deepEqual(afters.slice(-2), [{ a: 1, b: "x", c: 7 }, { a: 2, b: "y", c: 8 }]);
});

Deno.test("--changefeed-option envelope=row sends the row alone, and even a deletion has its message-id", async () => {
  await using rig = await rigWithTable();
  const messages = await publish(rig, ["--changefeed-option", "envelope=row"], [
    `INSERT INTO ${rig.name} VALUES (1, 'x')`,
    `DELETE FROM ${rig.name}`,
  ], 2);
  assert.deepEqual(messages.map(({ body, properties }) => [properties.type, body]), [
    ["upsert", `{"table":"${rig.name}","key":"[1]","value":{"a": 1, "b": "x"}}`],
    ["delete", `{"table":"${rig.name}","key":"[1]","value":null}`],
  ]);
  for (const { properties } of messages) assert.match(properties.messageId ?? "", /^\d{19}/);
});

Deno.test("--changefeed-option envelope=key_only sends keys, without a message-id", async () => {
  await using rig = await rigWithTable();
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args: ["--changefeed-option", "envelope=key_only"] });
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1, 'x')`);
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  // Without timestamps nothing tells a row that CockroachDB sends twice.
  assert.deepEqual([...new Set(queue.bodies)], [`{"table":"${rig.name}","key":"[1]","value":null}`]);
  assert.ok(queue.messages.every(({ properties }) => properties.messageId === undefined));
});

Deno.test("values of every type, emoji and control characters pass untouched", async () => {
  await using rig = await rigWithTable(
    "a INT PRIMARY KEY, s STRING, d DECIMAL, i INT8, f FLOAT8, y BYTES, t TIMESTAMPTZ, u UUID, j BOOL",
  );
  const text = 'é 😀 "q" \\ \u0001\u001f\u007f\n\t\u2028 end';
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await rig.database.query(
    `INSERT INTO ${rig.name} VALUES (1, $1, 12345678901234567890.12300, -9223372036854775808, 0.1, $2, ` +
      "'2026-01-02 03:04:05.678901+00', '00000000-0000-0000-0000-00000000000a', true)",
    [text, Uint8Array.of(0, 1, 255)],
  );
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  const body = queue.bodies[0] ?? "";
  const { after } = JSON.parse(body).value;
  assert.equal(after.s, text);
  assert.ok(body.includes('"d": 12345678901234567890.12300'), body);
  assert.ok(body.includes('"i": -9223372036854775808'), body);
  assert.equal(after.f, 0.1);
  assert.equal(after.y, "\\x0001ff");
  assert.equal(after.t, "2026-01-02T03:04:05.678901Z");
  assert.equal(after.u, "00000000-0000-0000-0000-00000000000a");
  assert.equal(after.j, true);
});

Deno.test('a table named "Weird ""Table"" and columns like it are published under their own names', async () => {
  await using rig = await AgentRig.start();
  const name = `${rig.name} "Täble".x`;
  const quoted = `"${name.replaceAll('"', '""')}"`;
  await rig.sql(`CREATE TABLE ${quoted} ("Key, ""k""" INT PRIMARY KEY)`, `INSERT INTO ${quoted} VALUES (1)`);
  await using queue = await rig.reader();
  await using agent = await rig.agent({ table: quoted });
  await queue.count(1);
  await agent.said(({ message }) => message === "Cursor stored");
  assert.deepEqual(JSON.parse(queue.bodies[0] ?? ""), {
    table: name,
    key: "[1]",
    value: { after: { 'Key, "k"': 1 } },
  });
  assert.equal(await agent.stop(), 0);
  assert.ok(await rig.cursor(rig.feedOf(quoted)));
});
