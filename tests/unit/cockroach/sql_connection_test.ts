import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { SqlConnection } from "../../../src/cockroach/sql_connection.ts";
import {
  deadPort,
  DONE,
  failure,
  failureOf,
  READY,
  ScriptedServer,
  url,
} from "../../support/scripted_server.ts";

Deno.test("SqlConnection connects when it is first asked, and once", async () => {
  await using server = new ScriptedServer({ answer: () => DONE });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  assert.deepEqual(server.startups, []);
  await Promise.all([
    sql.query("Cannot ask", "SELECT $1", ["1"]),
    sql.query("Cannot ask", "SELECT $1", ["2"]),
  ]);
  assert.equal(server.startups.length, 1);
  await sql.close();
  await server.clientClosed;
});

Deno.test("SqlConnection keeps the connection after a refused statement, and says what was attempted", async () => {
  let answers = 0;
  await using server = new ScriptedServer({
    answer: () => answers++ === 0 ? Buffer.concat([failure("42501", "no privilege"), READY]) : DONE,
  });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const denied = await failureOf(sql.query('Cannot store the cursor of feed "foo"', "UPSERT $1", ["x"]));
  assert.equal(denied.kind, "SourceDenied");
  assert.match(denied.message, /^Cannot store the cursor of feed "foo": no privilege/);
  await sql.query("Cannot ask", "SELECT $1", ["1"]);
  assert.equal(server.startups.length, 1);
  await sql.close();
  await server.clientClosed;
});

Deno.test("SqlConnection connects anew after its connection broke", async () => {
  await using server = new ScriptedServer({
    answer: (sql, socket) => {
      if (sql === "BREAK $1") socket.destroy();
      return DONE;
    },
  });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const broken = await failureOf(sql.query("Cannot ask", "BREAK $1", ["1"]));
  assert.equal(broken.kind, "SourceUnreachable");
  await sql.query("Cannot ask", "SELECT $1", ["1"]);
  assert.equal(server.startups.length, 2);
  await sql.close();
});

Deno.test("SqlConnection connects anew, without a failure, after its connection broke while it was idle", async () => {
  await using server = new ScriptedServer({ answer: () => DONE });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  await sql.query("Cannot ask", "SELECT $1", ["1"]);
  server.hangUp();
  await server.clientClosed;
  await sql.query("Cannot ask", "SELECT $1", ["2"]);
  assert.equal(server.startups.length, 2);
  await sql.close();
});

Deno.test("SqlConnection.transaction() is all on one connection, which a failure ends", async () => {
  await using server = new ScriptedServer({
    answer: (sql) => sql === "SPOIL $1" ? Buffer.concat([failure("23505", "duplicate"), READY]) : DONE,
  });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const insert = { text: "INSERT $1", values: ["1"] };
  await sql.transaction("Cannot leave", [insert, insert]);
  assert.deepEqual(server.statements.slice(-4), ["BEGIN", "INSERT $1", "INSERT $1", "COMMIT"]);
  const spoilt = await failureOf(
    sql.transaction("Cannot leave", [insert, { text: "SPOIL $1", values: ["1"] }]),
  );
  assert.match(spoilt.message, /^Cannot leave: duplicate/);
  assert.equal(server.statements.includes("ROLLBACK"), false);
  await server.clientClosed;
  await sql.query("Cannot ask", "SELECT $1", ["1"]);
  assert.equal(server.startups.length, 2);
  await sql.close();
});

Deno.test("SqlConnection.transaction() has no statement of anybody else inside, which would be undone with it", async () => {
  await using server = new ScriptedServer({
    answer: (sql) => sql.startsWith("SPOIL") ? Buffer.concat([failure("23505", "duplicate"), READY]) : DONE,
  });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const statement = (text: string) => ({ text, values: ["1"] });
  const [kept, , undone, after] = await Promise.allSettled([
    sql.transaction("Cannot leave", [statement("FIRST $1"), statement("SECOND $1")]),
    sql.query("Cannot ask", "SPOIL THE FIRST $1", ["1"]),
    sql.transaction("Cannot leave", [statement("THIRD $1"), statement("SPOIL $1")]),
    sql.query("Cannot store", "STORE $1", ["1"]),
  ]);
  assert.deepEqual([kept.status, undone.status, after.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(
    server.statements.filter((text) => !text.startsWith("SET") && !text.startsWith("SELECT set_config")),
    [
      ...["BEGIN", "FIRST $1", "SECOND $1", "COMMIT"],
      "SPOIL THE FIRST $1",
      ...["BEGIN", "THIRD $1", "SPOIL $1"],
      "STORE $1",
    ],
  );
  assert.equal(server.startups.length, 2);
  await sql.close();
});

Deno.test("SqlConnection.close() leaves nothing that waits for its turn", async () => {
  await using server = new ScriptedServer({ silent: true });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const asking = [1, 2, 3].map((n) => failureOf(sql.query("Cannot ask", "SELECT $1", [n])));
  await server.clientGreeted;
  await sql.close();
  await Promise.all([...asking, server.clientClosed]);
  assert.equal(server.startups.length, 1);
});

Deno.test("SqlConnection.close() does not wait for a silent server", async () => {
  await using server = new ScriptedServer({ silent: true });
  const sql = new SqlConnection(url(`127.0.0.1:${await server.start()}`), "a");
  const asking = failureOf(sql.query("Cannot ask", "SELECT $1", ["1"]));
  await server.clientGreeted;
  await sql.close();
  await Promise.all([asking, server.clientClosed]);
  assert.equal(server.startups.length, 1);
});

Deno.test("SqlConnection.close() is nothing when there is no connection", async () => {
  const port = await deadPort();
  await new SqlConnection(url(`127.0.0.1:${port}`), "a").close();
  const sql = new SqlConnection(url(`127.0.0.1:${port}`), "a");
  assert.equal((await failureOf(sql.query("Cannot ask", "SELECT 1"))).kind, "SourceUnreachable");
  await sql.close();
});
