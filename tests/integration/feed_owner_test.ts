import assert from "node:assert/strict";
import { CockroachCursorStore } from "../../src/cockroach/cursor_store.ts";
import { FeedOwner } from "../../src/cockroach/feed_owner.ts";
import { CockroachHandover } from "../../src/cockroach/handover.ts";
import { SqlConnection } from "../../src/cockroach/sql_connection.ts";
import { type Instant, instantOf } from "../../src/hlc.ts";
import { rowHash, wholeText } from "../../src/row_hash.ts";
import { RowTimes } from "../../src/row_times.ts";
import { parseDatabaseUrl } from "../../src/settings/database_url.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { Cockroach } from "../support/cockroach.ts";
import type { QueueReader } from "../support/queue_reader.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const scan = { cursor: hlcOf(10), scanning: true }, cursor = { cursor: hlcOf(11), scanning: false };
const row = rowHash("foo", "[1]"), sentAt = instantOf(hlcOf(12));

/** One feed as two processes see it. */
async function twoProcesses() {
  const cockroach = await Cockroach.start();
  const database = parseDatabaseUrl(cockroach.url);
  assert.ok(typeof database !== "string");
  const sql = new SqlConnection(database, "test");
  const seenByOne = () => {
    const owner = new FeedOwner("shop");
    return {
      store: new CockroachCursorStore(owner, false, sql),
      handover: new CockroachHandover(owner, sql),
    };
  };
  return {
    first: seenByOne(),
    second: seenByOne(),
    cockroach,
    [Symbol.asyncDispose]: async () => {
      await sql.close();
      await cockroach.stop();
    },
  };
}

Deno.test("a feed belongs to nobody, then to the process that claimed it last", async () => {
  await using feed = await twoProcesses();
  const { first, second, cockroach } = feed;
  assert.deepEqual(await first.store.read(), {
    position: undefined,
    owner: undefined,
    tables: undefined,
  });
  await first.store.claim(undefined);
  assert.equal((await second.store.read()).owner, first.store.token);
  await second.store.claim(first.store.token);
  assert.equal((await first.store.read()).owner, second.store.token);
  assert.deepEqual(await cockroach.sql("SELECT key, cursor FROM cursor_store"), [
    { key: "shop/owner", cursor: second.store.token },
  ]);
});

Deno.test("a claim that comes late takes nothing from the owner of meanwhile", async () => {
  await using feed = await twoProcesses();
  const { first, second } = feed;
  await first.store.read(); // makes the table
  await first.store.claim(undefined);
  await second.store.claim(undefined);
  await second.store.claim("third");
  assert.equal((await second.store.read()).owner, first.store.token);
});

Deno.test("a process that claims the feed again does so with another token: late statements of before change nothing", async () => {
  await using feed = await twoProcesses();
  const { first, second, cockroach } = feed;
  await first.store.read();
  await first.store.claim(undefined);
  const before = first.store.token;
  await second.store.claim(before);
  await first.store.claim(second.store.token);
  assert.notEqual(first.store.token, before);
  assert.deepEqual(await cockroach.sql("SELECT cursor FROM cursor_store"), [{ cursor: first.store.token }]);
});

Deno.test("a cursor that was stored as GLOBAL tables have it, with a ?, is the same time, and is replaced", async () => {
  await using feed = await twoProcesses();
  const { first: { store }, cockroach } = feed;
  await store.read(); // makes the table
  await store.claim(undefined);
  await cockroach.sql(`INSERT INTO cursor_store (key, cursor) VALUES ('shop', '${cursor.cursor}?')`);
  assert.deepEqual((await store.read()).position, cursor);
  const next = { cursor: hlcOf(12), scanning: false };
  assert.equal(await store.replace(cursor, next), true);
  assert.deepEqual((await store.read()).position, next);
});

Deno.test("only the feed's owner keeps what its tables are, beside the cursor", async () => {
  await using feed = await twoProcesses();
  const { first, second } = feed, tables = new Map([["shop.public.a", "104"]]);
  await first.store.read(); // makes the table
  await first.store.claim(undefined, undefined);
  await first.store.keep(new Map([["shop.public.a", "103"]]));
  await first.store.keep(tables);
  await second.store.keep(new Map([["shop.public.a", "105"]]));
  assert.deepEqual((await second.store.read()).tables, tables);
});

Deno.test("only the feed's owner creates, replaces, ends a scan and removes what is stored", async () => {
  await using feed = await twoProcesses();
  const { first, second } = feed;
  await first.store.read();
  await first.store.claim(undefined);

  await second.store.create(scan);
  assert.equal((await first.store.read()).position, undefined);
  await first.store.create(scan);
  await first.store.create(cursor);
  await first.store.remove(cursor);
  assert.deepEqual((await first.store.read()).position, scan);

  assert.equal(await second.store.replace(scan, cursor), false);
  assert.equal(await first.store.replace(cursor, scan), false);
  assert.equal(await first.store.replace(scan, cursor), true);
  const { position, owner } = await first.store.read();
  assert.deepEqual([position, owner], [cursor, first.store.token]);

  await second.store.remove(cursor);
  assert.deepEqual((await first.store.read()).position, cursor);
  await first.store.remove(cursor);
  assert.equal((await first.store.read()).position, undefined);
});

Deno.test("only the feed's owner hands over what it sent, and does not lose what the owner before left", async () => {
  await using feed = await twoProcesses();
  const { first, second } = feed;
  await first.store.read();
  await first.store.claim(undefined);
  const sent = new RowTimes();
  sent.set(row, sentAt);
  await first.handover.leave(cursor, sent);
  await second.handover.leave(cursor, new RowTimes());
  assert.deepEqual([...await first.handover.take(cursor) ?? []], [[row, sentAt]]);
  assert.equal(await first.handover.take(cursor), undefined);
});

Deno.test("very many rows are handed over, each with its timestamp", async () => {
  await using feed = await twoProcesses();
  const { first } = feed, sent = new RowTimes(), expected = new Map<string, Instant>();
  for (let n = 0; n < 20_000; n++) {
    const row = rowHash("foo", `[${n}]`), time = instantOf(hlcOf(Math.floor(n / 3) + 12));
    sent.set(row, time);
    expected.set(wholeText(row), time);
  }
  await first.store.read();
  await first.store.claim(undefined);
  await first.handover.leave(cursor, sent);
  const taken = await first.handover.take(cursor) ?? [];
  assert.deepEqual(new Map([...taken].map(([row, time]) => [wholeText(row), time])), expected);
});

Deno.test("what a version with shorter hashes left is taken away, and not misread", async () => {
  await using feed = await twoProcesses();
  const { first, cockroach } = feed;
  await first.store.read();
  await first.store.claim(undefined);
  await first.handover.leave(cursor, new RowTimes());
  const keys =
    "rGN2Ta2FyAFtahOj 1795327222747839112.0000000000\neAr2I3qTTVEjOMGe 1795327222747839112.0000000000";
  await cockroach.sql(`UPDATE cursor_handover SET keys = '${keys}'`);
  assert.deepEqual([...await first.handover.take(cursor) ?? []], []);
  assert.equal(await first.handover.take(cursor), undefined);
});

function values(queue: QueueReader): unknown[] {
  return queue.bodies.map((body) => JSON.parse(body).value.after?.b);
}

async function rigWithRow(): Promise<AgentRig> {
  const rig = await AgentRig.start({ simulator: true });
  await rig.sql(
    `CREATE TABLE ${rig.name} (a INT PRIMARY KEY, b INT)`,
    `INSERT INTO ${rig.name} VALUES (1, 0)`,
  );
  return rig;
}

Deno.test("an agent whose turn comes again starts at the stored cursor: another has published since (G3)", async () => {
  await using rig = await rigWithRow();
  await using queue = await rig.reader();
  await using proxy = await TcpProxy.start(rig.rabbitmq.url);
  await using first = await rig.agent({ env: { AMQP_ADDR: proxy.through(rig.rabbitmq.url) } });
  await first.said(({ message }) => message === "Cursor stored");
  const away = await rig.cockroach.simulator.inject({
    kind: "statement",
    application: "crdb-changefeed-publisher",
    match: "UPDATE cursor_store SET key",
    effect: "drop-before",
  });
  await rig.sql(`UPDATE ${rig.name} SET b = 1`, `UPDATE ${rig.name} SET b = 2`);
  await queue.count(3);
  {
    await using second = await rig.agent();
    await second.said(({ message }) => message.endsWith("standing by"));
    proxy.refuse();
    proxy.cut();
    await queue.count(5);
  }
  await proxy.accept();
  await queue.count(7);
  await away.lift();
  await rig.sql(`UPDATE ${rig.name} SET b = 3`);
  await queue.count(8);
  assert.equal(await first.stop(), 0);
  assert.deepEqual(values(queue), [0, 1, 2, 1, 2, 1, 2, 3]);
});
