import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { readCloudEvent } from "../support/cloud_event.ts";
import { until } from "../support/ports.ts";
import type { Delivery, QueueReader } from "../support/queue_reader.ts";

async function rigWithTable(): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  return rig;
}

function isWatermark({ properties }: Delivery): boolean {
  return properties.type === "resolved";
}

/** The time of a watermark, digits that compare as text. */
function timeOf({ body }: Delivery): string {
  const { resolved, data } = JSON.parse(body);
  return resolved ?? data.resolved;
}

/** The part of `message-id` that is the time of a row. */
function commitOf({ properties }: Delivery): string {
  const [, wall = "", logical = ""] = /^(\d+)(?:\.(\d+))?-/.exec(properties.messageId ?? "") ?? [];
  return `${wall}.${logical.padStart(10, "0")}`;
}

/** Nothing in a queue comes first behind a watermark that speaks of it, and no watermark goes back. */
function assertInOrder(messages: readonly Delivery[]): void {
  const seen = new Set<string>();
  let newest = "";
  for (const message of messages) {
    if (isWatermark(message)) {
      assert.ok(timeOf(message) >= newest, `${timeOf(message)} after ${newest}`);
      newest = timeOf(message);
    } else {
      const id = message.properties.messageId ?? "";
      assert.ok(seen.has(id) || commitOf(message) > newest, `${message.body} after ${newest}`);
      seen.add(id);
    }
  }
}

/** Resolves when there is a watermark above every row, and so many rows are there. */
async function caughtUp(queue: QueueReader, rows: number): Promise<void> {
  await until("a watermark above all rows", 30_000, () => {
    const { messages } = queue, changes = messages.filter((message) => !isWatermark(message));
    const newest = messages.findLast(isWatermark);
    const done = newest !== undefined && changes.length >= rows &&
      changes.every((change) => commitOf(change) <= timeOf(newest));
    return done || undefined;
  });
}

async function insert(rig: AgentRig, agent: AgentProcess, ...keys: readonly number[]): Promise<void> {
  for (const key of keys) {
    await rig.sql(`INSERT INTO ${rig.name} VALUES (${key})`);
    await agent.reaches("cursor_store_writes_total", await agent.metric("cursor_store_writes_total") + 1);
  }
}

Deno.test("--emit-resolved publishes watermarks behind what they speak of; after a kill none goes back", async () => {
  await using rig = await rigWithTable();
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ args: ["--emit-resolved"] });
    await insert(rig, agent, 2, 3);
    await caughtUp(queue, 3);
    agent.signal("SIGKILL");
    await agent.end();
  }
  const { length } = queue.messages;
  await rig.sql(`INSERT INTO ${rig.name} VALUES (4)`);
  await using agent = await rig.agent({ args: ["--emit-resolved"] });
  await until("row 4", 30_000, () => queue.bodies.some((body) => body.includes('"[4]"')) || undefined);
  await caughtUp(queue, 4);
  assert.equal(await agent.stop(), 0);
  assertInOrder(queue.messages);
  const [first] = queue.messages.slice(length);
  assert.ok(first && isWatermark(first), "a start begins with the watermark of its cursor");
  const last = queue.messages.at(-1)!;
  assert.equal(last.body, `{"resolved":"${await rig.cursor()}"}`);
  assert.equal(last.properties.contentType, "application/json");
});

Deno.test("--emit-resolved with {table} in the routing key gives each table's queue its watermarks, as CloudEvents too", async () => {
  await using rig = await rigWithTable();
  const other = `${rig.name}_b`;
  await rig.sql(`CREATE TABLE ${other} (a INT PRIMARY KEY)`, `INSERT INTO ${other} VALUES (1)`);
  await using queue = await rig.reader();
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    for (const table of [rig.name, other]) await channel.queueBind(rig.name, "amq.topic", `${table}.#`);
  });
  await using agent = await rig.agent({
    args: [
      ..."--emit-resolved --format cloudevents --exchange amq.topic --routing-key {table}.{op}".split(" "),
      ..."--header feed={feed} --initial-scan only --cursor-store none --table".split(" "),
      other,
    ],
    env: { AMQP_QUEUE: "" },
  });
  assert.equal((await agent.end()).code, 0);
  await queue.count(4);
  const watermarks = queue.messages.slice(2);
  assert.ok(queue.messages.slice(0, 2).every(({ properties }) => properties.type === "read"));
  assert.deepEqual(
    watermarks.map(({ routingKey, properties }) => [routingKey, properties.type, { ...properties.headers }]),
    [rig.name, other].sort().map((table) => [`${table}.resolved`, "resolved", {
      feed: [rig.feed, rig.feedOf(other)].join("+"),
    }]),
  );
  for (const { body, properties } of watermarks) {
    const { id, type, data } = readCloudEvent(body);
    assert.deepEqual([id, type], [properties.messageId, "crdb.changefeed.resolved"]);
    assert.deepEqual(data, { resolved: commitOf(queue.messages[0]!) });
  }
  assertInOrder(queue.messages);
});
