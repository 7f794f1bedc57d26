import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import type { QueueReader } from "../support/queue_reader.ts";
import { stopsWith } from "./refusal.ts";

const ONLY = ["--initial-scan", "only"];

async function rigWithRows(count: number): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`,
    `INSERT INTO ${rig.name} SELECT g FROM generate_series(1, ${count}) g`,
  );
  return rig;
}

/** What came, by key: between keys there is no order. */
function sent({ messages }: QueueReader): string[] {
  const changes = messages.map(({ body, properties }) => [JSON.parse(body).key, properties.type] as const);
  return changes.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([key, type]) => `${type} ${key}`);
}

/** Runs an agent to its end, and gives the last line of its log. */
async function runToEnd(rig: AgentRig, args: readonly string[]): Promise<string | undefined> {
  await using agent = await rig.agent({ args });
  const { code, output } = await agent.end();
  assert.equal(code, 0, output);
  return (await agent.log()).at(-1)?.message;
}

Deno.test("--initial-scan only publishes the rows that are there and ends; a feed without an end goes on from there", async () => {
  await using rig = await rigWithRows(2);
  await using queue = await rig.reader();
  {
    await using first = await rig.agent({ args: ONLY });
    await using second = await rig.agent({ args: ONLY });
    assert.deepEqual([(await first.end()).code, (await second.end()).code], [0, 0]);
  }
  assert.deepEqual(sent(queue), ["read [1]", "read [2]"], "the standby repeats nothing");
  const cursor = await rig.cursor();
  assert.ok(cursor);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (3)`);
  assert.equal(await runToEnd(rig, ONLY), "Done");
  assert.deepEqual([queue.messages.length, await rig.cursor()], [2, cursor], "there is nothing left to do");
  await using agent = await rig.agent();
  await queue.count(3);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(sent(queue), ["read [1]", "read [2]", "upsert [3]"]);
});

Deno.test("--initial-scan only that is stopped or killed is not done; started again it publishes what is left", async () => {
  const rows = 20_000;
  await using rig = await rigWithRows(rows);
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ args: [...ONLY, "--max-in-flight", "10"] });
    await agent.reaches("rabbitmq_messages_sent", 1);
    agent.signal("SIGTERM");
    await stopsWith(agent, { kind: "EndNotReached", hint: /start again/ });
  }
  assert.equal(new Set(sent(queue)).size, queue.messages.length);
  assert.equal(await rig.cursor(), undefined);
  const before = queue.messages.length;
  {
    await using agent = await rig.agent({ args: [...ONLY, "--max-in-flight", "10"] });
    await agent.reaches("rabbitmq_messages_sent", 1);
    agent.signal("SIGKILL");
    await agent.end();
  }
  assert.equal(await runToEnd(rig, ONLY), "Done");
  await queue.count(rows);
  const ids = queue.messages.map(({ properties }) => properties.messageId);
  assert.equal(new Set(ids).size, rows, "every row came, and repeats have the same message-id");
  assert.equal(new Set(ids.slice(0, before)).size, before);
  assert.ok(await rig.cursor());
});

Deno.test("end_time ends the feed before that time, whenever it is started; another feed goes on from there", async () => {
  await using rig = await rigWithRows(1);
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent();
    await agent.said(({ message }) => message === "Cursor stored");
    assert.equal(await agent.stop(), 0);
  }
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`, `DELETE FROM ${rig.name} WHERE a = 1`);
  const { rows: [row] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS now");
  const end = ["--changefeed-option", `end_time=${row.now}`];
  await rig.sql(`INSERT INTO ${rig.name} VALUES (3)`);
  assert.equal(await runToEnd(rig, end), "Done");
  assert.deepEqual(sent(queue), ["read [1]", "delete [1]", "upsert [2]"]);
  const cursor = await rig.cursor();
  assert.ok(cursor !== undefined && cursor < row.now);
  assert.equal(await runToEnd(rig, end), "Done");
  assert.equal(queue.messages.length, 3);
  await using agent = await rig.agent();
  await queue.count(4);
  assert.equal(await agent.stop(), 0);
  assert.equal(sent(queue).at(-1), "upsert [3]");
});

Deno.test("end_time that is past when a feed begins stops the agent", async () => {
  await using rig = await rigWithRows(1);
  await using agent = await rig.agent({ args: ["--changefeed-option", "end_time=2026-01-31T12:00:00Z"] });
  await stopsWith(agent, {
    kind: "ConfigInvalid",
    value: "2026-01-31T11:59:59.999999999Z",
    hint: /later end_time/,
  });
  await using later = await rig.agent();
  await later.said(({ message }) => message === "The initial scan is confirmed");
  assert.equal(await later.stop(), 0);
});
