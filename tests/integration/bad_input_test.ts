import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { freePort } from "../support/ports.ts";
import { publishesTheRow, rigWithRow, SECRET, stopsWith } from "./refusal.ts";

Deno.test("settings that are missing or malformed are reported together, with exit code 2 and without secrets", async () => {
  await using rig = await AgentRig.start();
  await using agent = await rig.agent({
    args: ["--max-in-flight", "many", "--header", "h"],
    env: {
      DATABASE_URL: `postgresql://u:${SECRET}@[host`,
      AMQP_ADDR: `http://u:${SECRET}@host`,
      AMQP_QUEUE: "",
      LOG_FORMAT: "xml",
    },
  });
  const { code, output } = await agent.end();
  assert.equal(code, 2, output);
  for (
    const problem of [
      '--max-in-flight "many": ',
      '--header "h": ',
      "DATABASE_URL: ",
      "AMQP_ADDR: ",
      "AMQP_QUEUE or --exchange: ",
      'LOG_FORMAT "xml": ',
    ]
  ) assert.ok(output.includes(`\n  ${problem}`), output);
  assert.match(output, /Try --help/);
  assert.ok(!output.includes(SECRET), output);
});

Deno.test("two tables of one name are bad usage; with full_table_name both are published", async () => {
  await using rig = await rigWithRow({ version: "v23.1.14" }); // before v22.2 the table column holds the last name
  const other = `other_${rig.name}.public.${rig.name}`;
  await rig.sql(
    `CREATE DATABASE other_${rig.name}`,
    `CREATE TABLE ${other} (a INT PRIMARY KEY)`,
    `INSERT INTO ${other} VALUES (1)`,
  );
  const args = ["--table", other];
  {
    await using agent = await rig.agent({ args });
    const { code, output } = await agent.end();
    assert.equal(code, 2, output);
    assert.match(
      output,
      new RegExp(`--table "${rig.name}": two tables have this last name.*full_table_name`),
    );
  }
  await using queue = await rig.reader();
  await using agent = await rig.agent({ args: [...args, "--changefeed-option", "full_table_name"] });
  await queue.count(2);
  const tables = queue.bodies.map((body) => JSON.parse(body).table).sort();
  assert.deepEqual(tables, [rig.feed, other].sort());
  assert.equal(await agent.stop(), 0);
});

Deno.test("a table that does not exist stops the agent; created, it is published", async () => {
  await using rig = await AgentRig.start();
  {
    await using agent = await rig.agent();
    await stopsWith(agent, { kind: "TableMissing", value: rig.feed, hint: /--table/ });
    const { rows } = await rig.database.query("SELECT key FROM cursor_store");
    const keys = rows.map(({ key }) => key);
    assert.deepEqual(keys, [`${rig.feed}/owner`], "a cursor from before the table");
  }
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  await publishesTheRow(rig, () => rig.agent());
});

Deno.test("a database that does not exist stops the agent", async () => {
  await using rig = await AgentRig.start();
  const url = new URL(rig.cockroach.url);
  url.pathname = "/no_such_database";
  await using agent = await rig.agent({ env: { DATABASE_URL: url.href } });
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  assert.equal(failure?.kind, "TableMissing", output);
  // Versions differ in what they miss first: the database, or something in it.
  assert.match(failure.message, /"(no_such_database|cursor_store)["\\.]/);
  assert.match(failure.hint ?? "", /DATABASE_URL/);
});

Deno.test("a user without the SELECT privilege stops the agent", async () => {
  await using rig = await rigWithRow();
  const { name, url } = await rig.createUser();
  await rig.sql(
    "CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `GRANT SELECT, INSERT, UPDATE ON TABLE cursor_store TO ${name}`,
  );
  await using agent = await rig.agent({ env: { DATABASE_URL: url } });
  await stopsWith(agent, { kind: "SourceDenied", value: rig.feed, hint: /privileges|`check` shows/ });
});

Deno.test("rangefeeds that are off stop the agent with the statement that turns them on", async () => {
  await using rig = await AgentRig.start({ private: true });
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  await rig.sql("SET CLUSTER SETTING kv.rangefeed.enabled = false");
  {
    await using agent = await rig.agent();
    await stopsWith(agent, {
      kind: "RangefeedDisabled",
      value: rig.feed,
      hint: /SET CLUSTER SETTING kv\.rangefeed\.enabled = true/,
    });
  }
  await rig.sql(
    "SET CLUSTER SETTING kv.rangefeed.enabled = true",
    `INSERT INTO ${rig.name} VALUES (2)`,
  );
  // The initial scan needs no rangefeed, so the first row has come; it is not sent again.
  await using queue = await rig.reader();
  await using agent = await rig.agent();
  await queue.count(2);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[1]", "[2]"]);
});

Deno.test("a wrong password for CockroachDB stops the agent, which does not show it", async () => {
  // A real cluster without certificates takes any password.
  await using rig = await rigWithRow({ simulator: true });
  const { name, url } = await rig.createUser("right");
  await using agent = await rig.agent({ env: { DATABASE_URL: url.replace(":right@", `:${SECRET}@`) } });
  await stopsWith(agent, { kind: "SourceDenied", value: name, hint: /password/ });
});

Deno.test("an option that CockroachDB refuses stops the agent", async () => {
  await using rig = await rigWithRow();
  await using agent = await rig.agent({ args: ["--changefeed-option", "no_such_option=1"] });
  await stopsWith(agent, { kind: "OptionRejected", value: "no_such_option", hint: /--changefeed-option/ });
});

Deno.test("an address for HTTP that is taken stops the agent", async () => {
  await using rig = await rigWithRow();
  const port = freePort();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port });
  await using agent = await rig.agent({ env: { PROMETHEUS_ADDR: `127.0.0.1:${port}` } });
  await stopsWith(agent, { kind: "ConfigInvalid", value: `127.0.0.1:${port}`, hint: /PROMETHEUS_ADDR/ });
});

Deno.test("a table that is dropped while it is published stops the agent", async () => {
  await using rig = await rigWithRow();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(`DROP TABLE ${rig.name}`);
  await stopsWith(agent, { kind: "TableDropped", value: rig.feed, hint: /--table|start anew/ });
});

Deno.test("a table that is truncated while it is published stops the agent: no deletions were sent", async () => {
  await using rig = await rigWithRow();
  await using agent = await rig.agent();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  await rig.sql(`TRUNCATE TABLE ${rig.name}`);
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  // One text stood for both in old versions.
  assert.match(failure?.kind ?? "", /^Table(Truncated|Dropped)$/, output);
  assert.match(failure?.hint ?? "", /no delet(e|ion)s/);
});
