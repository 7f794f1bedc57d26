import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";
import type { QueueReader } from "../support/queue_reader.ts";

async function rigWithRow(): Promise<AgentRig> {
  const rig = await AgentRig.start();
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (0)`);
  return rig;
}

/** A copy of an active agent, started beside it; resolves when it stands by. */
async function standby(rig: AgentRig): Promise<AgentProcess> {
  const agent = await rig.agent();
  await agent.said(({ message }) => message === "Another publisher of this feed is active; standing by");
  return agent;
}

/** Keys in the order they came. */
function keys(queue: QueueReader): number[] {
  return queue.bodies.map((body) => JSON.parse(JSON.parse(body).key)[0]);
}

Deno.test("a second copy of the feed stands by, is ready, and publishes nothing", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using active = await rig.agent();
  await active.said(({ message }) => message === "Cursor stored");
  await using second = await standby(rig);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(2);
  const ready = await second.get("/readyz");
  assert.equal(ready.status, 200, await ready.text());
  assert.equal((await second.get("/healthz")).status, 200);
  assert.match(
    await (await second.get("/metrics")).text(),
    /changefeed_state\{[^}]*state="standby"[^}]*\} 1\n/,
  );
  assert.equal(await second.metric("rabbitmq_messages_sent"), 0);
  assert.equal(await second.stop(), 0);
  assert.equal(await active.stop(), 0);
  assert.deepEqual(keys(queue), [0, 1]);
});

Deno.test("when the active copy is stopped the standby goes on from there, and repeats nothing", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using active = await rig.agent();
  await active.said(({ message }) => message === "Cursor stored");
  await using second = await standby(rig);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(2);
  assert.equal(await active.stop(), 0);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await queue.count(3);
  await second.reaches("rabbitmq_messages_sent", 1);
  assert.equal(await second.stop(), 0);
  assert.deepEqual(keys(queue), [0, 1, 2]);
});

Deno.test("when the active copy is killed the standby takes over, and loses nothing", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using active = await rig.agent();
  await active.said(({ message }) => message === "Cursor stored");
  await using second = await standby(rig);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(2);
  active.signal("SIGKILL");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await until("the last row", 30_000, () => keys(queue).includes(2) ? true : undefined);
  assert.equal(await second.stop(), 0);
  // What the active copy sent above the cursor may come again, in order.
  assert.deepEqual([...new Set(keys(queue))], [0, 1, 2]);
  assert.equal(new Set(queue.messages.map(({ properties }) => properties.messageId)).size, 3);
});

Deno.test("feeds of other names do not wait for each other", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using one = await rig.agent({ args: ["--feed", `${rig.name}-1`] });
  await using other = await rig.agent({ args: ["--feed", `${rig.name}-2`] });
  await queue.count(2);
  assert.deepEqual(await Promise.all([one.stop(), other.stop()]), [0, 0]);
  assert.deepEqual(keys(queue), [0, 0]);
});

Deno.test("with --lock none a second copy does not wait: it has the feed, and the first one stops and says so", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  const args = ["--lock", "none"];
  await using one = await rig.agent({ args });
  await one.said(({ message }) => message === "Cursor stored");
  await using other = await rig.agent({ args });
  const { code, failure, output } = await one.end();
  assert.equal(code, 1, output);
  assert.equal(failure?.kind, "TakenOver", output);
  assert.match(failure.hint ?? "", /--lock exclusive-queue/);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(2);
  assert.equal(await other.stop(), 0);
  assert.deepEqual(keys(queue), [0, 1]);
});

Deno.test("a copy from which CockroachDB keeps its id stands by for the one that knows it, and the other way round (G6)", async () => {
  await using rig = await AgentRig.start({ simulator: true, private: true });
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (0)`);
  await using queue = await rig.reader();
  const keepId = () =>
    rig.cockroach.simulator.inject({
      kind: "statement",
      match: "crdb_internal",
      code: "42501",
      message: "Access to crdb_internal and system is restricted",
    });
  await using knowing = await rig.agent();
  await knowing.said(({ message }) => message === "Cursor stored");
  const kept = await keepId();
  await using unknowing = await standby(rig);
  await unknowing.said(({ message }) => message.includes('the lock is "changefeed.unknown.'));
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(2);
  assert.equal(await unknowing.metric("rabbitmq_messages_sent"), 0);
  assert.equal(await knowing.stop(), 0);
  await unknowing.said(({ message }) => message.startsWith("Sending what changes")); // else the third may be first
  await kept.lift();
  await using third = await standby(rig);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await queue.count(3);
  assert.equal(await third.metric("rabbitmq_messages_sent"), 0);
  assert.equal(await unknowing.stop(), 0);
  await third.said(({ message }) => message.startsWith("Sending what changes"));
  assert.equal(await third.stop(), 0);
  assert.deepEqual(keys(queue), [0, 1, 2]);

  // With nothing claimed yet, the first copy locks the feed without the id, and who knows the id does the same.
  await rig.sql("DELETE FROM cursor_store WHERE key LIKE '%/owner'");
  const keptAgain = await keepId();
  await using first = await rig.agent();
  await first.said(({ message }) => message === "Cursor stored");
  await keptAgain.lift();
  await using last = await standby(rig);
  assert.equal(await last.stop(), 0);
  assert.equal(await first.stop(), 0);
});
