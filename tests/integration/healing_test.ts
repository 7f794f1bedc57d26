import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { until } from "../support/ports.ts";
import type { QueueReader } from "../support/queue_reader.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

async function rigWithRow(options = {}): Promise<AgentRig> {
  const rig = await AgentRig.start(options);
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  return rig;
}

function keys(queue: QueueReader): string[] {
  return queue.bodies.map((body) => JSON.parse(body).key);
}

Deno.test("the agent waits for CockroachDB's port and starts when it opens, with the address and a hint in its log", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using proxy = await TcpProxy.start(rig.cockroach.url);
  proxy.refuse();
  const url = proxy.through(rig.cockroach.url);
  await using agent = await rig.agent({ env: { DATABASE_URL: url } });
  const isRefused = ({ kind, message }: { kind?: string; message: string }) =>
    kind === "SourceUnreachable" && message.includes(`"${new URL(url).host}"`);
  const { hint } = await agent.said(isRefused);
  assert.match(hint ?? "", /CockroachDB runs.*DATABASE_URL/);
  await until(
    "a second attempt",
    20_000,
    async () => (await agent.log()).filter(isRefused).length >= 2 ? true : undefined,
  );
  assert.equal((await agent.get("/healthz")).status, 200);
  await proxy.accept();
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
});

Deno.test("the agent waits for RabbitMQ's port and starts when it opens, with the address and a hint in its log", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  proxy.refuse();
  const url = proxy.through(rig.rabbitmq.url);
  await using agent = await rig.agent({ env: { AMQP_ADDR: url } });
  const isRefused = ({ kind, message }: { kind?: string; message: string }) =>
    kind === "BrokerUnreachable" && message.includes(`"${new URL(url).host}"`);
  const { hint } = await agent.said(isRefused);
  assert.match(hint ?? "", /RabbitMQ runs.*AMQP_ADDR/);
  await until(
    "a second attempt",
    20_000,
    async () => (await agent.log()).filter(isRefused).length >= 2 ? true : undefined,
  );
  assert.equal((await agent.get("/healthz")).status, 200);
  await proxy.accept();
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
});

Deno.test("of several nodes the agent takes one that answers", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using closed = await TcpProxy.start(rig.rabbitmq.url);
  closed.refuse();
  const dead = new URL(closed.through(rig.rabbitmq.url)).host;
  const database = rig.cockroach.url.replace(/@([^/]+)/, (_, host) => `@${dead},${host}`);
  const broker = `${closed.through(rig.rabbitmq.url)},${rig.rabbitmq.url}`;
  await using agent = await rig.agent({ env: { DATABASE_URL: database, AMQP_ADDR: broker } });
  await queue.count(1);
  await agent.said(({ message }) => message === "Cursor stored");
  assert.equal((await agent.log()).filter(({ kind }) => kind !== undefined).length, 0);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a connection to CockroachDB that is cut costs neither a change nor a repeat", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using proxy = await TcpProxy.start(rig.cockroach.url);
  // After the first resolved timestamp none comes for 10 s, so what was sent since is read again after the cut.
  await using agent = await rig.agent({
    args: ["--cursor-frequency", "1h"],
    env: { DATABASE_URL: proxy.through(rig.cockroach.url) },
  });
  await agent.said(({ message }) => message === "Cursor stored");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await queue.count(2);
  proxy.cut();
  await agent.said(({ kind }) => kind === "SourceUnreachable");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (3)`);
  await queue.count(3);
  assert.ok(await agent.metric("changefeed_duplicates_dropped_total") >= 1);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(keys(queue), ["[1]", "[2]", "[3]"]);
});

Deno.test("a changefeed that is cancelled is opened again, without a repeat", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "Cursor stored");
  await until(
    "a feed to cancel",
    20_000,
    async () => await rig.cockroach.cancelFeeds() > 0 ? true : undefined,
  );
  await agent.said(({ kind }) => kind === "SourceDraining");
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(keys(queue), ["[1]", "[2]"]);
});

Deno.test("a queue that is full makes the agent wait, and loses nothing", async () => {
  await using rig = await rigWithRow();
  const args = ["--queue-argument", "x-max-length=1", "--queue-argument", "x-overflow=reject-publish"];
  await rig.sql(`INSERT INTO ${rig.name} SELECT g FROM generate_series(2, 20) g`);
  await using agent = await rig.agent({ args: [...args, "--queue-type", "classic"] });
  const { message, hint } = await agent.said(({ kind }) => kind === "BrokerNacked");
  assert.match(message, /refused/);
  assert.match(hint ?? "", /x-overflow=reject-publish/);
  assert.ok(await agent.metric("rabbitmq_messages_nacked_total") >= 1);
  await using queue = await rig.reader({
    "x-queue-type": "classic",
    "x-max-length": 1,
    "x-overflow": "reject-publish",
  });
  await until("every row", 60_000, () => new Set(queue.bodies).size === 20 ? true : undefined);
  assert.equal(await agent.stop(), 0);
});

Deno.test("while the cursor cannot be stored publishing goes on, and the cursor follows", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using store = await AgentRig.start();
  await using proxy = await TcpProxy.start(store.cockroach.url);
  await using agent = await rig.agent({ env: { CURSOR_DATABASE_URL: proxy.through(store.cockroach.url) } });
  await agent.said(({ message }) => message === "Cursor stored");
  proxy.refuse();
  proxy.cut();
  await agent.said(({ kind }) => kind === "CursorStoreUnavailable");
  const kept = await store.cursor(rig.feed);
  await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
  await queue.count(2);
  assert.equal(await store.cursor(rig.feed), kept);
  await proxy.accept();
  await until("a newer cursor", 30_000, async () => await store.cursor(rig.feed) !== kept ? true : undefined);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(keys(queue), ["[1]", "[2]"]);
});
