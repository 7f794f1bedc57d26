import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import type { CockroachOptions } from "../support/cockroach.ts";
import { freePort } from "../support/ports.ts";
import type { QueueReader } from "../support/queue_reader.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

/** A stop that waits for nothing takes less than this, in milliseconds; waiting for a timeout would take more. */
const PROMPT = 5_000;

async function rigWithRows(count: number, options: CockroachOptions = {}): Promise<AgentRig> {
  const rig = await AgentRig.start(options);
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`);
  if (count > 0) await rig.sql(`INSERT INTO ${rig.name} SELECT g, 0 FROM generate_series(1, ${count}) g`);
  return rig;
}

/** Every message came once, and there are so many. */
function assertOnce(queue: QueueReader, count: number): void {
  const ids = queue.messages.map(({ properties }) => properties.messageId);
  assert.equal(new Set(ids).size, ids.length, "messages came again");
  assert.equal(ids.length, count);
}

/** Sends the signal and gives exit code and milliseconds. */
async function stopBy(signal: Deno.Signal, agent: AgentProcess): Promise<[code: number, took: number]> {
  const started = performance.now();
  agent.signal(signal);
  const { code } = await agent.end();
  return [code, performance.now() - started];
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends the agent with exit code 0, everything confirmed and the cursor stored`, async () => {
    await using rig = await rigWithRows(100);
    await using queue = await rig.reader();
    {
      await using agent = await rig.agent();
      await agent.said(({ message }) => message === "Cursor stored");
      await rig.sql(`UPDATE ${rig.name} SET b = 1`);
      await queue.count(101);
      const [code] = await stopBy(signal, agent);
      assert.equal(code, 0);
      assert.equal((await agent.log()).at(-1)?.message, "Stopped as asked");
    }
    assert.ok(await rig.cursor());
    await rig.sql(`INSERT INTO ${rig.name} VALUES (101, 0)`); // while nobody runs
    await using agent = await rig.agent();
    await queue.count(201);
    assert.equal(await agent.stop(), 0);
    assertOnce(queue, 201);
  });
}

Deno.test("a second signal ends the agent at once; what was in flight comes with the next start", async () => {
  await using rig = await rigWithRows(1);
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  {
    await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    proxy.blackhole();
    await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 0)`);
    await agent.reaches("rabbitmq_messages_in_flight", 1);
    agent.signal("SIGTERM");
    await agent.said(({ state }) => state === "stopping");
    const [code, took] = await stopBy("SIGTERM", agent);
    assert.equal(code, 1);
    assert.ok(took < PROMPT, `took ${took} ms`);
    proxy.cut(); // or the broker would take some time to notice, and keep the lock
  }
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assertOnce(queue, 2);
});

Deno.test("a stop that confirms do not follow ends after --drain-timeout with exit code 1, and says so", async () => {
  await using rig = await rigWithRows(1);
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  await using agent = await rig.agent({
    args: ["--drain-timeout", "500ms"],
    env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) },
  });
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  proxy.blackhole();
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 0)`);
  await agent.reaches("rabbitmq_messages_in_flight", 1);
  agent.signal("SIGTERM");
  const { code, failure } = await agent.end();
  assert.equal(code, 1);
  assert.equal(failure?.kind, "DrainIncomplete");
  assert.match(failure.message, /1 messages? (is|are) not confirmed/);
  assert.match(failure.hint ?? "", /nothing is lost.*--drain-timeout/);
});

Deno.test("a stop during the initial scan and a new start repeat nothing and lose nothing", async () => {
  const rows = 3000;
  await using rig = await rigWithRows(rows);
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ args: ["--max-in-flight", "1"] });
    await queue.count(1);
    assert.equal(await agent.stop(), 0);
  }
  assert.ok(queue.messages.length < rows, "the scan was over too soon for this test");
  assert.equal(await rig.cursor(), undefined);
  assert.ok(await rig.cursor(`${rig.feed}/scan`));
  await rig.sql(`INSERT INTO ${rig.name} VALUES (0, 0)`);
  await using agent = await rig.agent();
  await queue.count(rows + 1);
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  assert.equal(await agent.stop(), 0);
  assertOnce(queue, rows + 1);
  assert.ok(await rig.cursor());
  assert.equal(await rig.cursor(`${rig.feed}/scan`), undefined);
});

Deno.test("an initial scan that garbage collection has overtaken is a gap: a stop, or told to consumers", async () => {
  const rows = 3000;
  await using rig = await rigWithRows(rows, { simulator: true });
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ args: ["--max-in-flight", "1"] });
    await queue.count(1);
    assert.equal(await agent.stop(), 0);
  }
  const first = await rig.cursor(`${rig.feed}/scan`);
  await rig.sql(`DELETE FROM ${rig.name} WHERE a = 1`);
  await rig.cockroach.simulator.collectGarbage(rig.name, rig.cockroach.database);
  {
    await using agent = await rig.agent();
    const { failure } = await agent.end();
    assert.equal(failure?.kind, "ScanExpired");
    assert.match(failure?.hint ?? "", /--on-expired-cursor rescan/);
    assert.equal(await rig.cursor(`${rig.feed}/scan`), first);
  }
  await using agent = await rig.agent({ args: ["--on-expired-cursor", "rescan"] });
  const { cursor } = await agent.said(({ message, cursor }) =>
    message === "Sending the whole tables, then what changes" && cursor !== first
  );
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  assert.equal(await agent.metric("changefeed_gaps_total"), 1);
  assert.equal(await agent.stop(), 0);
  await queue.count(rows);
  const marker = queue.messages.findIndex(({ properties }) => properties.type === "gap");
  const { gap } = JSON.parse(queue.messages[marker]!.body).value;
  assert.deepEqual([gap.lost, gap.after, gap.until, gap.then], ["scan", first, cursor, "scan"]);
  const anew = queue.messages.slice(marker + 1).filter(({ properties }) =>
    properties.messageId?.startsWith(String(cursor).slice(0, 19))
  );
  assert.equal(anew.length, rows - 1);
});

Deno.test("SIGKILL and a new start lose nothing; what is repeated has the same message-id", async () => {
  const rows = 3000;
  await using rig = await rigWithRows(rows);
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ args: ["--max-in-flight", "10"] });
    await queue.count(1);
    agent.signal("SIGKILL");
    await agent.exit;
  }
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  assert.equal(await agent.stop(), 0);
  await queue.count(rows);
  const ids = queue.messages.map(({ properties }) => properties.messageId);
  assert.equal(new Set(ids).size, rows);
  assert.equal(new Set(queue.bodies).size, rows);
});

Deno.test("a stop while the broker is away is prompt, and the start after it loses nothing", async () => {
  await using rig = await rigWithRows(1);
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  await using queue = await rig.reader();
  {
    await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
    await agent.said(({ message }) => message === "The initial scan is confirmed");
    proxy.refuse();
    proxy.cut();
    await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 0)`);
    await agent.said(({ kind }) => kind === "BrokerUnreachable");
    const [code, took] = await stopBy("SIGTERM", agent);
    assert.equal(code, 0, await agent.output());
    assert.ok(took < PROMPT, `took ${took} ms`);
    await proxy.accept();
  }
  await using agent = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a stop while CockroachDB is away is prompt, and the start after it loses nothing", async () => {
  await using rig = await rigWithRows(1);
  await using proxy = await TcpProxy.start(rig.cockroach.url);
  await using queue = await rig.reader();
  const env = { DATABASE_URL: proxy.through(rig.cockroach.url) };
  {
    await using agent = await rig.agent({ env });
    await agent.said(({ message }) => message === "Cursor stored");
    proxy.refuse();
    proxy.cut();
    await agent.said(({ kind }) => kind === "SourceUnreachable");
    const [code, took] = await stopBy("SIGTERM", agent);
    assert.equal(code, 0, await agent.output());
    assert.ok(took < PROMPT, `took ${took} ms`);
    await proxy.accept();
  }
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2, 0)`);
  await using agent = await rig.agent({ env });
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assertOnce(queue, 2);
});

for (const setting of ["DATABASE_URL", "AMQP_ADDR"] as const) {
  Deno.test(`a stop before ${setting} could ever be reached is prompt`, async () => {
    await using rig = await rigWithRows(1);
    const url = new URL(setting === "DATABASE_URL" ? rig.cockroach.url : rig.rabbitmq.url);
    url.port = String(freePort());
    await using agent = await rig.agent({ env: { [setting]: url.href } });
    const { message } = await agent.said(({ kind }) =>
      kind === "SourceUnreachable" || kind === "BrokerUnreachable"
    );
    assert.ok(message.includes(`"127.0.0.1:${url.port}"`), message);
    const [code, took] = await stopBy("SIGTERM", agent);
    assert.equal(code, 0, await agent.output());
    assert.ok(took < PROMPT, `took ${took} ms`);
  });
}

Deno.test("--initial-scan no publishes only what changes from the first start on, also while nobody runs", async () => {
  await using rig = await rigWithRows(5);
  await using queue = await rig.reader();
  const args = ["--initial-scan", "no"];
  {
    await using agent = await rig.agent({ args });
    await agent.said(({ message }) => message === "Sending what changes");
    await rig.sql(`UPDATE ${rig.name} SET b = 1 WHERE a = 3`);
    await queue.count(1);
    assert.equal(await agent.stop(), 0);
  }
  await rig.sql(`DELETE FROM ${rig.name} WHERE a = 4`);
  await using agent = await rig.agent({ args });
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[3]", "[4]"]);
});

Deno.test("--initial-scan no with a table that is missing at the first start publishes once it is there", async () => {
  await using rig = await AgentRig.start();
  const args = ["--initial-scan", "no"];
  {
    await using agent = await rig.agent({ args });
    assert.equal((await agent.end()).failure?.kind, "TableMissing");
  }
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args });
  await agent.said(({ message }) => message === "Sending what changes");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (1)`);
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
});
