import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { AgentRig } from "../support/agent_rig.ts";
import { freePort } from "../support/ports.ts";

/** A password that must never be printed. */
const SECRET = "s3cr3t-Pa55word";

/** What the last line of an agent that gave up has to say. */
interface Refusal {
  readonly kind: string;
  /** The offending value, as it stands in quotes in the message. */
  readonly value: string;
  /** What the operator is told to do. */
  readonly hint: RegExp;
}

/** The agent ends by itself with exit code 1, and says what is wrong and what to do. */
async function stopsWith(agent: AgentProcess, { kind, value, hint }: Refusal): Promise<void> {
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  assert.equal(failure?.kind, kind, output);
  assert.ok(failure.message.includes(`"${value}"`), `${failure.message} does not name "${value}"`);
  assert.match(failure.hint ?? "", hint);
  assert.ok(!output.includes(SECRET), output);
}

/** What was wrong is put right: the same agent settings now publish the row that waited. */
async function publishesTheRow(rig: AgentRig, start: () => Promise<AgentProcess>): Promise<void> {
  await using queue = await rig.reader();
  await using agent = await start();
  await agent.reaches("rabbitmq_messages_sent", 1);
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[1]"]);
}

async function rigWithRow(options = {}): Promise<AgentRig> {
  const rig = await AgentRig.start(options);
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`, `INSERT INTO ${rig.name} VALUES (1)`);
  return rig;
}

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
  await using rig = await rigWithRow();
  await using other = await rigWithRow();
  await other.sql(`ALTER TABLE ${other.name} RENAME TO ${rig.name}`);
  const args = ["--table", `${other.cockroach.database}.public.${rig.name}`];
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
  assert.deepEqual(tables, [rig.feed, other.feedOf(rig.name)].sort());
  assert.equal(await agent.stop(), 0);
});

Deno.test("a table that does not exist stops the agent; created, it is published", async () => {
  await using rig = await AgentRig.start();
  {
    await using agent = await rig.agent();
    await stopsWith(agent, { kind: "TableMissing", value: rig.feed, hint: /--table/ });
    const { rows } = await rig.database.query("SELECT key FROM cursor_store");
    assert.deepEqual(rows, [], "a cursor from before the table");
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

Deno.test("a database for the cursor that does not exist stops the agent", async () => {
  await using rig = await rigWithRow();
  const url = new URL(rig.cockroach.url);
  url.pathname = "/no_such_database";
  await using agent = await rig.agent({ env: { CURSOR_DATABASE_URL: url.href } });
  await stopsWith(agent, { kind: "TableMissing", value: "cursor_store", hint: /CURSOR_DATABASE_URL/ });
});

Deno.test("a user without the SELECT privilege stops the agent", async () => {
  await using rig = await rigWithRow();
  const { name, url } = await rig.createUser();
  await rig.sql(
    "CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `GRANT SELECT, INSERT, UPDATE ON TABLE cursor_store TO ${name}`,
  );
  await using agent = await rig.agent({ env: { DATABASE_URL: url } });
  await stopsWith(agent, { kind: "SourceDenied", value: rig.feed, hint: /privileges/ });
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

Deno.test("a wrong password for RabbitMQ stops the agent, which does not show it", async () => {
  await using rig = await rigWithRow();
  const url = new URL(rig.rabbitmq.url);
  url.password = SECRET;
  await using agent = await rig.agent({ env: { AMQP_ADDR: url.href } });
  await stopsWith(agent, { kind: "BrokerDenied", value: url.username, hint: /password/ });
});

Deno.test("a virtual host that does not exist stops the agent", async () => {
  await using rig = await rigWithRow();
  await using agent = await rig.agent({ env: { AMQP_ADDR: `${rig.rabbitmq.url}/no-such-vhost` } });
  await stopsWith(agent, { kind: "BrokerDenied", value: "no-such-vhost", hint: /vhost/ });
});

Deno.test("a queue with other arguments stops the agent only if the operator asked for them", async () => {
  await using rig = await rigWithRow();
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(rig.name, { durable: false, autoDelete: false }, {
      "x-queue-type": "classic",
    });
  });
  {
    await using agent = await rig.agent({ args: ["--queue-type", "quorum"] });
    await stopsWith(agent, {
      kind: "TopologyMismatch",
      value: rig.name,
      hint: /--queue-type.*delete the queue/,
    });
  }
  await using agent = await rig.agent();
  await agent.reaches("rabbitmq_messages_sent", 1);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a missing queue that may not be declared stops the agent; created, it gets the row", async () => {
  await using rig = await rigWithRow();
  const args = ["--declare", "never"];
  {
    await using agent = await rig.agent({ args });
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /create the queue/ });
  }
  await publishesTheRow(rig, () => rig.agent({ args }));
});

Deno.test("an exchange that is missing, or routes to no queue, stops the agent and loses no row", async () => {
  await using rig = await rigWithRow();
  const start = () =>
    rig.agent({ args: ["--exchange", rig.name, "--routing-key", "k"], env: { AMQP_QUEUE: "" } });
  {
    await using agent = await start();
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /declare the exchange/ });
  }
  await using _exchange = await declareExchange(rig);
  {
    await using agent = await start();
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /bind a queue/ });
  }
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(rig.name, { durable: true }, { "x-queue-type": "quorum" });
    await channel.queueBind(rig.name, rig.name, "k");
  });
  await publishesTheRow(rig, start);
});

async function declareExchange(rig: AgentRig): Promise<AsyncDisposable> {
  await rig.withBroker(async (client) => {
    await (await client.channel()).exchangeDeclare(rig.name, "direct", { durable: false, autoDelete: false });
  });
  return {
    [Symbol.asyncDispose]: () =>
      rig.withBroker(async (client) => {
        await (await client.channel()).exchangeDelete(rig.name);
      }),
  };
}

Deno.test("a missing cursor table that may not be created stops the agent with the statement to run", async () => {
  await using rig = await rigWithRow();
  const { name, url } = await rig.createUser();
  const start = () => rig.agent({ env: { CURSOR_DATABASE_URL: url } });
  // Newer versions let everybody create tables in the schema public; older ones do not know the privilege.
  await rig.sql("REVOKE CREATE ON SCHEMA public FROM public").catch(() => {});
  {
    await using agent = await start();
    await stopsWith(agent, {
      kind: "SourceDenied",
      value: "cursor_store",
      hint: /CREATE TABLE IF NOT EXISTS cursor_store/,
    });
  }
  await rig.sql(
    "CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `GRANT SELECT, INSERT, UPDATE ON TABLE cursor_store TO ${name}`,
  );
  await publishesTheRow(rig, start);
  assert.ok(await rig.cursor());
});

Deno.test("a malformed cursor stops the agent, and stays as it is", async () => {
  await using rig = await rigWithRow();
  await storeCursor(rig, "yesterday");
  await using agent = await rig.agent();
  await stopsWith(agent, { kind: "ConfigInvalid", value: "yesterday", hint: /correct or delete the row/ });
  assert.equal(await rig.cursor(), "yesterday");
});

Deno.test("a cursor in the future stops the agent, and stays as it is", async () => {
  await using rig = await rigWithRow();
  const cursor = `${BigInt(Date.now() + 3_600_000) * 1_000_000n}.0000000000`;
  await storeCursor(rig, cursor);
  await using agent = await rig.agent();
  await stopsWith(agent, { kind: "ConfigInvalid", value: rig.feed, hint: /from another cluster/ });
  assert.equal(await rig.cursor(), cursor);
});

Deno.test("a cursor from before the table stops the agent", async () => {
  await using rig = await AgentRig.start();
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
  await storeCursor(rig, now.hlc);
  await using agent = await rig.agent();
  const { code, failure, output } = await agent.end();
  assert.equal(code, 1, output);
  assert.match(failure?.kind ?? "", /^Table(Missing|NotAtCursor)$/, output);
});

Deno.test("a cursor past garbage collection stops the agent: changes may be gone", async () => {
  await using rig = await rigWithRow({ simulator: true });
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await storeCursor(rig, now.hlc);
  await rig.cockroach.simulator.collectGarbage(rig.name, rig.cockroach.database);
  await using agent = await rig.agent();
  await stopsWith(agent, {
    kind: "CursorExpired",
    value: rig.feed,
    hint: /delete the feed's row.*gc\.ttlseconds/,
  });
  assert.equal(await rig.cursor(), now.hlc);
});

Deno.test("the original's cursor stops the agent until the operator decides", async () => {
  await using rig = await rigWithRow();
  const { rows: [now] } = await rig.database.query("SELECT cluster_logical_timestamp()::STRING AS hlc");
  await storeCursor(rig, now.hlc, "key");
  {
    await using agent = await rig.agent();
    await stopsWith(agent, { kind: "OriginalCursorFound", value: rig.feed, hint: /--initial-scan/ });
  }
  await publishesTheRow(rig, () => rig.agent({ args: ["--initial-scan", "yes"] }));
  assert.equal(await rig.cursor("key"), now.hlc);
});

async function storeCursor(rig: AgentRig, cursor: string, key = rig.feed): Promise<void> {
  await rig.sql("CREATE TABLE cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)");
  await rig.database.query("INSERT INTO cursor_store VALUES ($1, $2)", [key, cursor]);
}

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

Deno.test("a queue that is deleted while it is published to stops the agent; the next start loses nothing", async () => {
  await using rig = await rigWithRow();
  {
    await using agent = await rig.agent();
    await agent.said(({ message }) => message === "Cursor stored");
    await rig.withBroker(async (client) => {
      await (await client.channel()).queueDelete(rig.name);
    });
    await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /create or bind the queue/ });
  }
  await using agent = await rig.agent();
  await agent.reaches("rabbitmq_messages_sent", 1);
  await using queue = await rig.reader();
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[2]"]);
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
