import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import type { CockroachOptions } from "../support/cockroach.ts";
import { until } from "../support/ports.ts";
import type { QueueReader } from "../support/queue_reader.ts";

async function rigWithRow(options: CockroachOptions = {}): Promise<AgentRig> {
  const rig = await AgentRig.start(options);
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`,
    `INSERT INTO ${rig.name} VALUES (1, 0)`,
  );
  return rig;
}

function values(queue: QueueReader): unknown[] {
  return queue.bodies.map((body) => JSON.parse(body).value.after?.b);
}

async function tableExists(rig: AgentRig, table: string): Promise<boolean> {
  return await rig.database.query(`SELECT 1 FROM ${table}`).then(() => true, (error) => {
    if (error.code === "42P01") return false;
    throw error;
  });
}

/** The cluster's time, as a cursor. */
async function now(rig: AgentRig): Promise<string> {
  const { rows } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  return rows[0].hlc;
}

Deno.test("with --cursor-store none every start sends the whole table, and nothing is stored", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  for (let start = 1; start <= 2; start++) {
    await using agent = await rig.agent({ args: ["--cursor-store", "none"] });
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    await rig.sql(`UPDATE ${rig.name} SET b = ${start}`);
    await queue.count(2 * start);
    assert.equal(await agent.stop(), 0);
  }
  assert.deepEqual(values(queue), [0, 1, 1, 2]);
  assert.equal(await tableExists(rig, "cursor_store"), false);
  assert.equal(await tableExists(rig, "cursor_handover"), false);
});

Deno.test("--cursor-database-url keeps the cursor elsewhere, and a start goes on from there", async () => {
  await using rig = await rigWithRow();
  await using other = await AgentRig.start();
  await using queue = await rig.reader();
  const env = { CURSOR_DATABASE_URL: other.cockroach.url };
  for (let start = 1; start <= 2; start++) {
    await using agent = await rig.agent({ env });
    await agent.said(({ message }) => message === "Cursor stored");
    await rig.sql(`UPDATE ${rig.name} SET b = ${start}`);
    await queue.count(1 + start);
    assert.equal(await agent.stop(), 0);
  }
  assert.deepEqual(values(queue), [0, 1, 2]);
  assert.ok(await other.cursor(rig.feed));
  assert.equal(await tableExists(rig, "cursor_store"), false);
});

Deno.test("--feed names the cursor's row, so that another table of the feed keeps its cursor", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args: ["--feed", "shop"] });
  await queue.count(1);
  await until("the cursor", 20_000, () => rig.cursor("shop"));
  assert.equal(await agent.stop(), 0);
});

Deno.test("a cursor that somebody moves back while the agent runs is where it goes on", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "Cursor stored");
  const back = await now(rig);
  await rig.sql(`UPDATE ${rig.name} SET b = 1`, `UPDATE ${rig.name} SET b = 2`);
  await queue.count(3);
  await rig.database.query("UPDATE cursor_store SET cursor = $2 WHERE key = $1", [rig.feed, back]);
  const moved = await agent.said(({ kind }) => kind === "CursorMoved");
  assert.ok(moved.message.includes(`"${back}"`), moved.message);
  await queue.count(5);
  await until("a newer cursor", 20_000, async () => await rig.cursor() !== back ? true : undefined);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(values(queue), [0, 1, 2, 1, 2]);
});

Deno.test("a cursor that somebody deletes while the agent runs starts the feed anew", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "Cursor stored");
  await rig.database.query("DELETE FROM cursor_store WHERE key = $1", [rig.feed]);
  await agent.said(({ kind }) => kind === "CursorMoved");
  await queue.count(2);
  await until("a new cursor", 20_000, () => rig.cursor());
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(values(queue), [0, 0]);
});

Deno.test("what a stopped agent hands over is taken by the next, and is gone then", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  // After the first resolved timestamp none comes for 10 s, so that the change lies above the cursor.
  const args = ["--cursor-frequency", "1h"];
  for (let start = 1; start <= 3; start++) {
    await using agent = await rig.agent({ args });
    await agent.said(({ message }) => message === "Resolved timestamp received");
    await rig.sql(`UPDATE ${rig.name} SET b = ${start}`);
    await until("the change", 20_000, () => values(queue).includes(start) ? true : undefined);
    assert.equal(await agent.stop(), 0);
    const { rows } = await rig.database.query("SELECT feed FROM cursor_handover");
    assert.deepEqual(rows, [{ feed: rig.feed }]);
  }
  const ids = queue.messages.map(({ properties }) => properties.messageId);
  assert.equal(new Set(ids).size, ids.length, `repeated: ${values(queue)}`);
});

for (const version of ["v21.2.0-alpha.20210513", "v22.1.0-alpha.20220216"]) {
  Deno.test(`a scan is finished soon, however seldom cursors are stored: ${version}`, async () => {
    await using rig = await rigWithRow({ version });
    await using queue = await rig.reader();
    await using agent = await rig.agent({ args: ["--cursor-frequency", "1h"] });
    await queue.count(1);
    await agent.reaches("cursor_store_writes_total", 1);
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    const resolved = async () =>
      (await agent.log()).filter(({ message }) => message === "Resolved timestamp received").length >= 2
        ? true
        : undefined;
    await until("another resolved timestamp", 30_000, resolved);
    assert.equal(await agent.metric("cursor_store_writes_total"), 1);
    const first = await rig.cursor();
    assert.equal(await agent.stop(), 0);
    assert.notEqual(await rig.cursor(), first, "a stop does not wait until it is time to store");
  });
}
