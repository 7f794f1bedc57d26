import assert from "node:assert/strict";
import { runCommand } from "../support/command.ts";
import { CheckRig, shellWords } from "./check_rig.ts";
import { SECRET } from "./refusal.ts";

Deno.test("check is content with a good set-up, before, while and after the feed runs, and leaves nothing behind", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  const before = await rig.allGood();
  assert.match(before, /^✓ queue .* will be declared: quorum$/m);
  assert.match(before, /^✓ lock +free/m);
  const tables = await agents.cockroach.sql("SHOW TABLES");
  assert.deepEqual(tables.map((table) => table["table_name"]), [agents.name]);
  await agents.withBroker(async (client) => {
    const channel = await client.channel();
    await assert.rejects(channel.queueDeclare(agents.name, { passive: true }), /NOT_FOUND/);
  });
  {
    await using agent = await agents.agent();
    await agent.said(({ message }) => message === "Cursor stored");
    const during = await rig.allGood();
    assert.match(during, /^✓ lock +held: the feed runs$/m);
    assert.match(during, /^✓ queue .* is there/m);
    assert.equal(await agent.stop(), 0);
  }
  assert.match(await rig.allGood(), /^✓ cursor +2\d{3}-.* ago$/m);
});

Deno.test("check with rangefeeds off names the setting, and the printed statement turns them on", async () => {
  await using rig = await CheckRig.start({ private: true });
  const { agents } = rig;
  await agents.sql("SET CLUSTER SETTING kv.rangefeed.enabled = false");
  const problems = await rig.problems();
  assert.deepEqual([...problems.keys()], ["changefeed"]);
  const { stdout } = await rig.run();
  assert.match(
    stdout,
    /^✗ changefeed .*rangefeeds require .*\n {4}SET CLUSTER SETTING kv\.rangefeed\.enabled = true;\n/m,
  );
  await rig.mend(problems.get("changefeed"));
  await rig.allGood();
});

for (const version of ["v20.2.0-alpha.20200714-161d68e8c2", "v25.2.1"]) {
  Deno.test(`check names what a user lacks on ${version}, and the printed statements give it`, async () => {
    await using rig = await CheckRig.start({ version, private: true });
    const { agents } = rig;
    // From v25.1 on a definition commits the transaction that is to be rolled back, unless it is told not to.
    assert.match(await rig.allGood(), /^✓ table cursor_store +it is not there yet, and may be created$/m);
    const tables = await agents.cockroach.sql("SHOW TABLES");
    assert.deepEqual(tables.map((table) => table["table_name"]), [agents.name]);
    await agents.sql("REVOKE CREATE ON SCHEMA public FROM public").catch(() => {});
    await agents.sql("SET CLUSTER SETTING kv.rangefeed.enabled = false");
    const { name, url } = await agents.createUser();
    const env = { DATABASE_URL: url };
    const problems = await rig.problems([], env);
    const granted = problems.get("changefeed")?.fix;
    const table = `"${agents.cockroach.database}"."public"."${agents.name}"`;
    const wanted = version.startsWith("v20") ? "admin" : `SELECT ON TABLE ${table}`;
    assert.equal(granted, `GRANT ${wanted} TO "${name}";`);
    assert.deepEqual([...problems.keys()], ["changefeed", "table cursor_store", "table cursor_handover"]);
    assert.equal(problems.get("table cursor_handover")?.status, "warn");
    for (const finding of problems.values()) await rig.mend(finding);
    // Only who may have the changefeed is told that it needs rangefeeds.
    const hidden = await rig.problems([], env);
    assert.deepEqual([...hidden.keys()], ["changefeed"]);
    await rig.mend(hidden.get("changefeed"));
    await rig.allGood([], env);
    const rows = await agents.cockroach.sql("SELECT key FROM cursor_store");
    assert.deepEqual(rows, []);
    if (version.startsWith("v20")) return;
    await agents.sql(`REVOKE UPDATE, DELETE ON TABLE cursor_store FROM ${name}`);
    const lacking = await rig.problems([], env);
    assert.match(
      lacking.get("table cursor_store")?.fix ?? "",
      /^GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE .*cursor_store" TO /,
    );
    assert.match(lacking.get("table cursor_store")?.found ?? "", /UPDATE/);
    await rig.mend(lacking.get("table cursor_store"));
    await rig.allGood([], env);
  });
}

Deno.test("check names a wrong password for CockroachDB, without it; the printed statement sets it", async () => {
  await using rig = await CheckRig.start({ simulator: true });
  const { agents } = rig;
  const { name, url } = await agents.createUser("another");
  await agents.sql(`GRANT admin TO ${name}`);
  const wrong = new URL(url);
  wrong.password = SECRET;
  const env = { DATABASE_URL: wrong.href };
  const { code, stdout } = await rig.run([], env);
  assert.equal(code, 1);
  const address = wrong.host;
  assert.match(
    stdout,
    new RegExp(`^✗ CockroachDB ${address} .*password authentication failed.*\n {4}ALTER USER`, "m"),
  );
  assert.deepEqual(stdout.match(/^✗/gm)?.length, 1);
  const problems = await rig.problems([], env);
  const { fix = "", ...finding } = problems.get(`CockroachDB ${address}`)!;
  await rig.mend({ ...finding, fix: fix.replace("…", SECRET) });
  await rig.allGood([], env);
});

Deno.test("check names each node that is down; one of several is a warning", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  const database = new URL(agents.cockroach.url), broker = new URL(agents.rabbitmq.url);
  const env = {
    DATABASE_URL: agents.cockroach.url.replace(database.host, `${database.host},127.0.0.1:1`),
    AMQP_ADDR: `${agents.rabbitmq.url},${agents.rabbitmq.url.replace(broker.host, "127.0.0.1:1")}`,
  };
  const problems = await rig.problems([], env);
  assert.deepEqual([...problems].map(([name, { status }]) => `${name} ${status}`), [
    "CockroachDB 127.0.0.1:1 warn",
    "RabbitMQ 127.0.0.1:1 warn",
  ]);
});

Deno.test("check names missing tables, and options that CockroachDB refuses", async () => {
  await using rig = await CheckRig.start();
  const problems = await rig.problems(["--table", "no_such_table"]);
  assert.deepEqual([...problems.keys()], ["changefeed"]);
  assert.match(problems.get("changefeed")?.found ?? "", /table "no_such_table" does not exist/);
  assert.match(problems.get("changefeed")?.fix ?? "", /--table/);
  const refused = await rig.problems(["--changefeed-option", "nonsense=1"]);
  assert.match(refused.get("changefeed")?.found ?? "", /invalid option "nonsense"/);
  assert.deepEqual([...refused.keys()], ["changefeed"]);
});

Deno.test("check names cursors that no feed can start at, and the printed commands mend them", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  const store = (key: string, cursor: string) =>
    agents.sql(
      "CREATE TABLE IF NOT EXISTS cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
      `DELETE FROM cursor_store`,
      `INSERT INTO cursor_store VALUES ('${key}', '${cursor}')`,
    );
  const [{ now }] = await agents.cockroach.sql("SELECT cluster_logical_timestamp()::STRING AS now") as [
    { now: string },
  ];
  const later = `${BigInt(now.split(".")[0] ?? "") + 3_600_000_000_000n}.0000000000`;
  for (
    const [key, cursor, word] of [["key", now, "adopt"], [agents.feed, later, "set"], [
      agents.feed,
      "x",
      "set",
    ]]
  ) {
    await store(key!, cursor!);
    const problems = await rig.problems();
    assert.deepEqual([...problems.keys()], ["cursor"]);
    const [program, ...args] = shellWords(problems.get("cursor")?.fix ?? "");
    assert.deepEqual([program, args[1]], ["crdb-changefeed-publisher", word]);
    const { code, stderr } = await runCommand({ args, env: agents.environment() });
    assert.deepEqual([code, stderr], [0, ""]);
    await rig.allGood();
  }
});

Deno.test("check tells how long garbage collection leaves the cursor, and warns in time", async () => {
  await using rig = await CheckRig.start();
  const { agents } = rig;
  await agents.sql(
    "CREATE TABLE IF NOT EXISTS cursor_store (key STRING NOT NULL PRIMARY KEY, cursor STRING NOT NULL)",
    `INSERT INTO cursor_store SELECT '${agents.feed}', (cluster_logical_timestamp() - 800000000000)::STRING`,
  );
  await rig.allGood();
  await agents.sql(`ALTER TABLE ${agents.name} CONFIGURE ZONE USING gc.ttlseconds = 900`);
  const problems = await rig.problems();
  const { status, fix = "" } = problems.get("garbage collection")!;
  assert.deepEqual([problems.size, status], [1, "warn"]);
  await agents.sql(fix);
  await rig.allGood();
});
