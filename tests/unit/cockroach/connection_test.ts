import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../../../src/cockroach/connection.ts";
import { RowStream } from "../../../src/cockroach/row_stream.ts";
import { setStatement, settingsOf } from "../../../src/cockroach/session_settings.ts";
import { deadPort, failureOf, ScriptedServer, url } from "../../support/scripted_server.ts";

/** What recording extended-binary's server sent: RowDescription, a resolved row and a change, in binary. */
const RECORDED_ROWS = [
  "MQAAAAQ=",
  "MgAAAAQ=",
  "VAAAAEwAA3RhYmxlAAAAAAAAAAAAABn///////8AAWtleQAAAAAAAAAAAAAR////////AAF2YWx1ZQAAAAAAAAAAAAAR////////AAE=",
  "RAAAAD8AA///////////AAAALXsicmVzb2x2ZWQiOiIxNzk1MzI3MDg5ODQ0ODYyMjAxLjAwMDAwMDAwMDAifQ==",
  "RAAAADUAAwAAAANmb28AAAAEWzU0XQAAABx7ImFmdGVyIjogeyJhIjogNTQsICJiIjogOH19",
].map((raw) => Buffer.from(raw, "base64"));

Deno.test("connect() names itself, learns the version and overrules what the role sets, in one statement", async () => {
  await using server = new ScriptedServer({});
  const port = await server.start();
  const connection = await connect(url(`127.0.0.1:${port}`), "crdb-changefeed-publisher foo");
  try {
    assert.equal(connection.address, `127.0.0.1:${port}`);
    assert.deepEqual(connection.version, { major: 22, minor: 1, text: "v22.1.3" });
    assert.match(
      server.startups.join(),
      /user alice database shop .*application_name crdb-changefeed-publisher foo/,
    );
    assert.deepEqual(server.statements, [setStatement(settingsOf(connection.version))]);
  } finally {
    connection.close();
    await server.clientClosed;
  }
});

Deno.test("connect() passes the option that names a cluster on", async () => {
  await using server = new ScriptedServer({});
  const port = await server.start();
  const connection = await connect(
    url(`127.0.0.1:${port}`, "sslmode=disable&options=--cluster%3Dtenant-7"),
    "a",
  );
  connection.close();
  await server.clientClosed;
  assert.match(server.startups.join(), /options --cluster=tenant-7/);
});

Deno.test("connect() shows the name that DATABASE_URL gives, and waits as long as it says", async () => {
  await using server = new ScriptedServer({ silent: true });
  const port = await server.start(), started = performance.now();
  const parameters = "sslmode=disable&application_name=shop&connect_timeout=1";
  const silent = await failureOf(connect(url(`127.0.0.1:${port}`, parameters), "a"));
  assert.equal(silent.kind, "SourceUnreachable");
  assert.ok(performance.now() - started < 5_000);
  assert.match(server.startups.join(), /application_name shop/);
});

Deno.test("connect() does without the settings that an old version does not know", async () => {
  const unknown = ["idle_in_session_timeout", "sql_safe_updates"];
  await using server = new ScriptedServer({ unknown });
  const port = await server.start();
  const connection = await connect(url(`127.0.0.1:${port}`), "a");
  connection.close();
  await server.clientClosed;
  const known = settingsOf(connection.version).filter(({ name }) => !unknown.includes(name));
  assert.equal(server.statements.length, 3);
  assert.equal(server.statements.at(-1), setStatement(known));
});

Deno.test("connect() goes on to the next node when one is down", async () => {
  await using server = new ScriptedServer({});
  const hosts = `127.0.0.1:${await deadPort()},127.0.0.1:${await server.start()}`;
  for (let i = 0; i < 5; i++) (await connect(url(hosts), "a")).close();
  assert.equal(server.startups.length, 5);
});

Deno.test("connect() tries the nodes in random order", async () => {
  await using one = new ScriptedServer({});
  await using other = new ScriptedServer({});
  const hosts = `127.0.0.1:${await one.start()},127.0.0.1:${await other.start()}`;
  // Thirty connections that all go to one node: once in five hundred million runs.
  for (let i = 0; i < 30; i++) (await connect(url(hosts), "a")).close();
  assert.ok(one.startups.length > 0 && other.startups.length > 0);
});

Deno.test("connect() says which node refused, as which user, and never the password (G9)", async () => {
  const port = await deadPort();
  const down = await failureOf(connect(url(`127.0.0.1:${port}`), "a"));
  assert.equal(down.kind, "SourceUnreachable");
  assert.ok(
    down.message.startsWith(`Cannot connect to CockroachDB at "127.0.0.1:${port}" as user "alice": `),
    down.message,
  );

  await using server = new ScriptedServer({
    refuses: ["28P01", "password authentication failed for user alice"],
  });
  const denied = await failureOf(connect(url(`127.0.0.1:${await server.start()}`), "a"));
  assert.equal(denied.kind, "SourceDenied");
});

Deno.test("connect() with sslmode=prefer takes plain text from a server without TLS; require and verify do not", async () => {
  await using server = new ScriptedServer({});
  const port = await server.start();
  (await connect(url(`127.0.0.1:${port}`, "sslmode=prefer"), "a")).close();
  assert.equal(server.startups.length, 1);
  for (const mode of ["require", "verify-ca", "verify-full"]) {
    const refused = await failureOf(connect(url(`127.0.0.1:${port}`, `sslmode=${mode}`), "a"));
    assert.equal(refused.kind, "SourceDenied", mode);
  }
  assert.equal(server.startups.length, 1);
});

Deno.test("connect() with sslmode=prefer does not fall back to plain text when the connection breaks", async () => {
  await using server = new ScriptedServer({ ssl: "close" });
  const failure = await failureOf(connect(url(`127.0.0.1:${await server.start()}`, "sslmode=prefer"), "a"));
  assert.equal(failure.kind, "SourceUnreachable");
  assert.deepEqual(server.startups, []);
});

Deno.test("connect() names a certificate file that is not there", async () => {
  const failure = await failureOf(
    connect(url("127.0.0.1:1", "sslmode=verify-full&sslrootcert=/no/ca.crt"), "a"),
  );
  assert.equal(failure.kind, "ConfigInvalid");
  assert.match(failure.message, /\/no\/ca\.crt/);
});

Deno.test("connect() gives up at once when the signal aborts", async () => {
  await using server = new ScriptedServer({});
  const port = await server.start();
  await assert.rejects(connect(url(`127.0.0.1:${port}`), "a", AbortSignal.abort()));
  assert.deepEqual(server.statements, []);
});

Deno.test("connect() does not wait for a silent server any longer when the signal aborts", async () => {
  await using server = new ScriptedServer({ silent: true });
  const port = await server.start();
  const stop = new AbortController();
  const connecting = failureOf(connect(url(`127.0.0.1:${port},127.0.0.1:${port}`), "a", stop.signal));
  await server.clientGreeted;
  stop.abort();
  await connecting;
  await server.clientClosed;
  assert.equal(server.startups.length, 1);
});

Deno.test("a row stream on a connection gives the recorded rows as text", async () => {
  await using server = new ScriptedServer({ answer: () => Buffer.concat(RECORDED_ROWS) });
  const connection = await connect(url(`127.0.0.1:${await server.start()}`), "a");
  const stream = new RowStream("EXPERIMENTAL CHANGEFEED FOR foo");
  connection.stream(stream);
  assert.deepEqual(await stream.next(), [
    { table: null, key: null, value: '{"resolved":"1795327089844862201.0000000000"}' },
    { table: "foo", key: "[54]", value: '{"after": {"a": 54, "b": 8}}' },
  ]);
  server.breakAll();
  await assert.rejects(stream.next(), /Connection terminated unexpectedly/);
  connection.close();
});

Deno.test("close() ends the socket of a statement that never ends", async () => {
  await using server = new ScriptedServer({ answer: () => Buffer.concat(RECORDED_ROWS) });
  const connection = await connect(url(`127.0.0.1:${await server.start()}`), "a");
  const stream = new RowStream("EXPERIMENTAL CHANGEFEED FOR foo");
  connection.stream(stream);
  await stream.next();
  connection.close();
  await server.clientClosed;
});
