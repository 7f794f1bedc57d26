import assert from "node:assert/strict";
import pg from "pg";
import { OpenFeed } from "../support/open_feed.ts";
import { Cockroach } from "../support/cockroach.ts";

/** Nothing comes for as long as this while a feed is stalled; it asks for a resolved timestamp every 20 ms. */
const SILENCE = 150;

async function setUp(cockroach: Cockroach): Promise<void> {
  await cockroach.sql("DROP TABLE IF EXISTS foo");
  await cockroach.sql("CREATE TABLE foo (a INT PRIMARY KEY, b INT)");
  await cockroach.sql("INSERT INTO foo VALUES (1, 0), (2, 0)");
}

const write = (cockroach: Cockroach, a: number, b: number) =>
  cockroach.sql(`UPSERT INTO foo VALUES (${a}, ${b})`);
const row = (a: number, b: number) => `[${a}] {"after": {"a": ${a}, "b": ${b}}}`;
const FROM_NOW = "foo WITH resolved = '20ms', no_initial_scan";

Deno.test("the simulator's faults", async (t) => {
  const cockroach = await Cockroach.start({ simulator: true });
  const { simulator } = cockroach;
  const step = (name: string, run: () => Promise<void>) =>
    t.step(name, async () => {
      await setUp(cockroach);
      await run();
    });
  try {
    await step("stall keeps feeds silent until it is lifted", async () => {
      await using feed = await OpenFeed.open(cockroach.url, FROM_NOW);
      await feed.resolved();
      const stall = await simulator.inject({ kind: "stall", table: "foo" });
      await write(cockroach, 1, 1);
      const silence = new Promise((resolve) => setTimeout(resolve, SILENCE, "silence"));
      assert.equal(await Promise.race([feed.changes(1), silence]), "silence");
      await stall.lift();
    });

    await step("freeze hits the clients it names and no others", async () => {
      const freeze = await simulator.inject({ kind: "freeze", application: "frozen" });
      const client = new pg.Client({ connectionString: cockroach.url, application_name: "frozen" });
      const connecting = client.connect();
      assert.deepEqual(await cockroach.sql("SELECT a FROM foo WHERE a = 1"), [{ a: "1" }]);
      await connecting;
      const answer = client.query("SELECT 1 AS x");
      const silence = new Promise((resolve) => setTimeout(resolve, SILENCE, "silence"));
      assert.equal(await Promise.race([answer, silence]), "silence");
      await freeze.lift();
      assert.deepEqual((await answer).rows, [{ x: 1 }]);
      await client.end();
    });

    await step("repeat sends every row twice", async () => {
      await using feed = await OpenFeed.open(cockroach.url, FROM_NOW);
      await feed.resolved();
      const repeat = await simulator.inject({ kind: "repeat" });
      await write(cockroach, 1, 1);
      assert.deepEqual(await feed.changes(2), [row(1, 1), row(1, 1)]);
      await repeat.lift();
    });

    await step("rewind sends what came since the last resolved timestamp again", async () => {
      await using feed = await OpenFeed.open(cockroach.url, "foo WITH resolved = '1h', no_initial_scan");
      await feed.resolved();
      for (const b of [1, 2]) await write(cockroach, 1, b);
      assert.deepEqual(await feed.changes(2), [row(1, 1), row(1, 2)]);
      await simulator.inject({ kind: "rewind", share: 1 });
      assert.deepEqual(await feed.changes(2), [row(1, 1), row(1, 2)]);
      await write(cockroach, 1, 3);
      assert.deepEqual(await feed.changes(1), [row(1, 3)]);
    });

    await step("fail ends a feed after so many rows", async () => {
      await simulator.inject({ kind: "fail", code: "XXUUU", message: "boom", afterRows: 1 });
      await using feed = await OpenFeed.open(cockroach.url, "foo WITH resolved = '20ms'");
      assert.deepEqual(await feed.changes(1), [row(1, 0)]);
      const { code, message } = await feed.failure();
      assert.deepEqual([code, message], ["XXUUU", "boom"]);
    });

    for (
      const [effect, ran] of [["before", false], ["after", true], ["drop-before", false], [
        "drop-after",
        true,
      ]] as const
    ) {
      await step(`statement fails with the effect "${effect}"`, async () => {
        await simulator.inject({ kind: "statement", match: "UPSERT", code: "40001", effect, times: 1 });
        await assert.rejects(
          write(cockroach, 1, 1),
          effect.startsWith("drop") ? /terminated/ : { code: "40001" },
        );
        assert.deepEqual(await cockroach.sql("SELECT b FROM foo WHERE a = 1"), [{ b: ran ? "1" : "0" }]);
        await write(cockroach, 1, 2);
      });
    }

    await step("collectGarbage makes older cursors fail", async () => {
      const [{ now }] = await cockroach.sql("SELECT cluster_logical_timestamp()::string AS now") as [
        { now: string },
      ];
      await simulator.collectGarbage("foo", cockroach.database);
      await using feed = await OpenFeed.open(cockroach.url, `foo WITH cursor = '${now}'`);
      assert.match((await feed.failure()).message, /^batch timestamp .* must be after replica GC threshold/);
    });

    await step("kill() ends connections and keeps what was committed", async () => {
      await using feed = await OpenFeed.open(cockroach.url, FROM_NOW);
      await feed.resolved();
      await cockroach.kill();
      assert.match((await feed.failure()).message, /terminated/);
      await assert.rejects(cockroach.sql("SELECT 1"), { code: "ECONNREFUSED" });
      await cockroach.restart();
      assert.deepEqual(await cockroach.sql("SELECT count(*)::string AS n FROM foo"), [{ n: "2" }]);
    });

    await step("another node serves while one is down", async () => {
      const other = await simulator.addNode();
      const url = new URL(cockroach.url);
      url.port = String(other.port);
      await cockroach.drain();
      await using feed = await OpenFeed.open(url.href, "foo WITH resolved = '20ms'");
      assert.deepEqual(await feed.changes(2), [row(1, 0), row(2, 0)]);
      await cockroach.restart();
      await simulator.call("removeNode", { port: other.port });
    });

    await step("users need their password and their privileges", async () => {
      const user = `u_${cockroach.database}`;
      await cockroach.sql(`CREATE USER ${user} WITH PASSWORD 'right'`);
      const as = (password: string) => {
        const url = new URL(cockroach.url);
        url.username = user;
        url.password = password;
        return new pg.Client(url.href);
      };
      await assert.rejects(as("wrong").connect(), { code: "28P01" });
      const client = as("right");
      await client.connect();
      await assert.rejects(client.query("SELECT * FROM foo"), { code: "42501" });
      await assert.rejects(client.query("CREATE TABLE bar (a INT PRIMARY KEY)"), { code: "42501" });
      await cockroach.sql(`GRANT SELECT ON foo TO ${user}`);
      assert.equal((await client.query("SELECT * FROM foo")).rowCount, 2);
      await cockroach.sql(`REVOKE SELECT ON foo FROM ${user}`);
      await assert.rejects(client.query("SELECT * FROM foo"), { code: "42501" });
      await client.end();
    });

    await step("a generated table goes on from a cursor without a gap", async () => {
      const name = `generated_${cockroach.database}`, count = 50;
      const { created } = await simulator.generate({ name, rows: 5, bytes: 60, rate: 1000, changes: count });
      const after = async (cursor: string, changes: number) => {
        await using feed = await OpenFeed.open(cockroach.url, `${name} WITH updated, cursor = '${cursor}'`);
        return await feed.changes(changes);
      };
      const once = await after(created, count);
      const updated = once.map((text) => /"updated": "([\d.]+)"/.exec(text)![1]!);
      assert.deepEqual(updated, updated.toSorted());
      assert.equal(new Set(once).size, count);
      for (const read of [0, 20, count - 2]) {
        const cursor = updated[read]!, left = once.filter((_, index) => updated[index]! > cursor);
        assert.deepEqual(await after(cursor, left.length), left);
      }
    });
  } finally {
    await cockroach.stop();
  }
});
