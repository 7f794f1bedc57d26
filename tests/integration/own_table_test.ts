import assert from "node:assert/strict";
import { CockroachCursorStore } from "../../src/cockroach/cursor_store.ts";
import { CursorTable } from "../../src/cockroach/cursor_table.ts";
import { FeedOwner } from "../../src/cockroach/feed_owner.ts";
import { CockroachHandover } from "../../src/cockroach/handover.ts";
import { SqlConnection } from "../../src/cockroach/sql_connection.ts";
import { parseDatabaseUrl } from "../../src/settings/database_url.ts";
import { RowTimes } from "../../src/row_times.ts";
import { hlcOf } from "../support/arbitrary.ts";
import { Cockroach } from "../support/cockroach.ts";
import { CheckRig } from "./check_rig.ts";
import { publishesTheRow, rigWithRow, stopsWith } from "./refusal.ts";

/** Tables of somebody else, by what is wrong with them. */
const FOREIGN: Readonly<Record<string, string>> = {
  "other columns": "CREATE TABLE cursor_store (id INT PRIMARY KEY, position STRING)",
  "no column for the cursor": "CREATE TABLE cursor_store (key STRING PRIMARY KEY, value STRING)",
  "keys that are numbers": "CREATE TABLE cursor_store (key INT PRIMARY KEY, cursor STRING NOT NULL)",
  "cursors that are numbers": "CREATE TABLE cursor_store (key STRING PRIMARY KEY, cursor INT NOT NULL)",
  "keys that are not unique": "CREATE TABLE cursor_store (id INT PRIMARY KEY, key STRING, cursor STRING)",
  "one more column that must be given":
    "CREATE TABLE cursor_store (key STRING PRIMARY KEY, cursor STRING, tenant STRING NOT NULL)",
  "cursors that are too short": "CREATE TABLE cursor_store (key STRING PRIMARY KEY, cursor VARCHAR(8))",
  "a rule of its own":
    "CREATE TABLE cursor_store (key STRING PRIMARY KEY, cursor STRING CHECK (length(cursor) < 3))",
};

Deno.test("a cursor_store of somebody else stops the feed, with the columns that are wanted", async (t) => {
  const cockroach = await Cockroach.start();
  const url = parseDatabaseUrl(cockroach.url);
  assert.ok(typeof url !== "string");
  const sql = new SqlConnection(url, "test");
  for (const [fault, create] of Object.entries(FOREIGN)) {
    await t.step(fault, async () => {
      await cockroach.sql("DROP TABLE IF EXISTS cursor_store");
      await cockroach.sql(create);
      const store = new CockroachCursorStore(new FeedOwner("shop"), false, sql);
      const start = async () => {
        await store.read();
        await store.claim(undefined, "5eed5eed");
        await store.create({ cursor: hlcOf(10), scanning: false });
      };
      await assert.rejects(start(), ({ kind, hint }) => {
        assert.match(hint, /CREATE TABLE IF NOT EXISTS cursor_store \(key STRING NOT NULL PRIMARY KEY/);
        return kind === "TableUnfit";
      });
      const table = new CursorTable(sql);
      await assert.rejects(table.rows().then(() => table.put("shop", hlcOf(10))), { kind: "TableUnfit" });
    });
  }
  await sql.close();
  await cockroach.stop();
});

Deno.test("a cursor_handover of somebody else is left alone, and the cursor can be moved all the same", async () => {
  const cockroach = await Cockroach.start();
  const url = parseDatabaseUrl(cockroach.url);
  assert.ok(typeof url !== "string");
  const sql = new SqlConnection(url, "test");
  await cockroach.sql("CREATE TABLE cursor_handover (id INT PRIMARY KEY)");
  const owner = new FeedOwner("shop"), position = { cursor: hlcOf(10), scanning: false };
  await new CockroachCursorStore(owner, false, sql).read();
  const handover = new CockroachHandover(owner, sql);
  await assert.rejects(handover.take(position), { kind: "TableUnfit" });
  await assert.rejects(handover.leave(position, new RowTimes()), { kind: "TableUnfit" });
  await new CursorTable(sql).put("shop", hlcOf(10));
  assert.deepEqual(await new CursorTable(sql).rows(), [{ key: "shop", cursor: hlcOf(10) }]);
  await sql.close();
  await cockroach.stop();
});

Deno.test("an agent that finds somebody else's tables says so, once, and stops; check says so before", async () => {
  await using rig = await rigWithRow();
  await rig.sql(FOREIGN["other columns"]!, "CREATE TABLE cursor_handover (id INT PRIMARY KEY)");
  {
    await using agent = await rig.agent();
    await stopsWith(agent, { kind: "TableUnfit", value: "cursor_store", hint: /rename.*CREATE TABLE/ });
    assert.equal((await agent.log()).filter(({ kind }) => kind === "TableUnfit").length, 1);
  }
  await rig.sql("DROP TABLE cursor_store");
  await publishesTheRow(rig, () => rig.agent());

  await using checks = await CheckRig.start();
  const { agents } = checks;
  await agents.sql("DROP TABLE IF EXISTS cursor_store", "DROP TABLE IF EXISTS cursor_handover");
  await agents.sql(FOREIGN["keys that are not unique"]!, "CREATE TABLE cursor_handover (id INT PRIMARY KEY)");
  const problems = await checks.problems();
  const told = (name: string) => problems.get(name)?.status + " " + problems.get(name)?.fix;
  assert.match(told("table cursor_store"), /^fail rename.*CREATE TABLE IF NOT EXISTS cursor_store/);
  assert.match(told("table cursor_handover"), /^warn rename.*CREATE TABLE IF NOT EXISTS cursor_handover/);
});
