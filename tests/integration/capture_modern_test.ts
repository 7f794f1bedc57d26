import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { SECRET, stopsWith } from "./refusal.ts";

/** Features that the version of the recordings does not have, on a simulator held to their documentation. */
const VERSION = "v25.4.0";

Deno.test(`capture on ${VERSION}`, async (t) => {
  await using rig = await AgentRig.start({ version: VERSION });
  let count = 0;
  /** A table with these rows, and its name. */
  const table = async (columns: string, ...statements: string[]): Promise<string> => {
    const name = `${rig.name}_${++count}`;
    await rig.sql(
      `CREATE TABLE ${name} (${columns})`,
      ...statements.map((sql) => sql.replace("$table", name)),
    );
    return name;
  };

  await t.step(
    "envelope=enriched: type, message-id and body without what was asked for behind the scenes",
    async () => {
      const name = await table("a INT PRIMARY KEY, b STRING", "INSERT INTO $table VALUES (1, 'x')");
      const args = ["--changefeed-option", "envelope=enriched"];
      await using queue = await rig.reader();
      {
        await using agent = await rig.agent({ table: name, args });
        await agent.said(({ message }) => message === "The initial scan is confirmed");
        await rig.sql(`INSERT INTO ${name} VALUES (2, 'y')`, `UPDATE ${name} SET b = 'z' WHERE a = 2`);
        await rig.sql(`DELETE FROM ${name} WHERE a = 2`);
        await queue.count(4);
        assert.equal(await agent.stop(), 0);
      }
      await using agent = await rig.agent({ table: name, args });
      await agent.said(({ message }) => message === "Sending what changes");
      await rig.sql(`INSERT INTO ${name} VALUES (3, 'y')`);
      await queue.count(5);
      assert.equal(await agent.stop(), 0);
      assert.deepEqual(
        queue.messages.map(({ body, properties }) => {
          const { table, key, value: { ts_ns: sent, ...value } } = JSON.parse(body);
          assert.equal(typeof sent, "number");
          assert.match(properties.messageId ?? "", /^\d{19}/);
          return [properties.type, table, key, value];
        }),
        [
          ["read", name, '{"a": 1}', { after: { a: 1, b: "x" }, op: "c" }],
          ["insert", name, '{"a": 2}', { after: { a: 2, b: "y" }, op: "c" }],
          ["update", name, '{"a": 2}', { after: { a: 2, b: "z" }, op: "u" }],
          ["delete", name, '{"a": 2}', { after: null, op: "d" }],
          ["insert", name, '{"a": 3}', { after: { a: 3, b: "y" }, op: "c" }],
        ],
      );
    },
  );

  await t.step("every other option of CREATE CHANGEFEED reaches CockroachDB", async () => {
    const name = await table("a INT PRIMARY KEY", "INSERT INTO $table VALUES (1)");
    const options = [
      "full_table_name",
      "mvcc_timestamp",
      "schema_change_events=column_changes",
      "schema_change_policy=nobackfill",
      "virtual_columns=null",
      "lagging_ranges_threshold=1m",
      "lagging_ranges_polling_interval=30s",
      'execution_locality="region=us,zone=b"',
      "ignore_disable_changefeed_replication",
      "gc_protect_expires_after=24h",
    ];
    await using queue = await rig.reader();
    await using agent = await rig.agent({ table: name, args: ["--changefeed-option", options.join(",")] });
    await queue.count(1);
    const [statement] = (await rig.cockroach.sql("SHOW QUERIES")).map(({ query }) => String(query))
      .filter((query) => query.includes(name));
    const passed = options.map((option) => option.replaceAll('"', "").replace(/=(.*)/, " = '$1'"));
    assert.ok(statement);
    assert.deepEqual(passed.filter((option) => !statement.includes(option)), [], statement);
    assert.equal(await agent.stop(), 0);
    assert.match(
      queue.bodies[0] ?? "",
      new RegExp(`^{"table":"${rig.feedOf(name)}",.*"mvcc_timestamp": "\\d{19}`),
    );
  });

  await t.step("column families: one by name, and each with split_column_families", async () => {
    const name = await table(
      "a INT PRIMARY KEY, b STRING, c STRING, FAMILY most (a, b), FAMILY only_c (c)",
      "INSERT INTO $table VALUES (0, 'dog', 'cat')",
    );
    const published = async (args: readonly string[], what: string) => {
      await using queue = await rig.reader();
      await using agent = await rig.agent({ table: what, args: ["--cursor-store", "none", ...args] });
      await agent.said(({ message }) => message === "The initial scan is confirmed");
      await rig.sql(`UPDATE ${name} SET c = concat(c, 's')`, `INSERT INTO ${name} VALUES (1, 'ox', NULL)`);
      await rig.sql(`DELETE FROM ${name} WHERE a = 1`);
      await queue.count(args.length === 0 ? 2 : 5);
      assert.equal(await agent.stop(), 0);
      return queue.bodies.map((body) => JSON.parse(body)).map(({ table, value }) => [table, value.after]);
    };
    assert.deepEqual(await published([], `${name} FAMILY only_c`), [
      [`${name}.only_c`, { c: "cat" }],
      [`${name}.only_c`, { c: "cats" }],
    ]);
    assert.deepEqual(await published(["--changefeed-option", "split_column_families"], name), [
      [`${name}.most`, { a: 0, b: "dog" }],
      [`${name}.only_c`, { c: "cats" }],
      [`${name}.only_c`, { c: "catss" }],
      [`${name}.most`, { a: 1, b: "ox" }],
      [`${name}.most`, null],
    ]);
    await using agent = await rig.agent({ table: name });
    await stopsWith(agent, {
      kind: "OptionRejected",
      value: rig.feedOf(name),
      hint: /FAMILY f.*split_column_families/,
    });
  });

  await t.step("--query: what it selects, guarded as ever; diff brings the whole row before", async () => {
    const name = await table(
      "id INT PRIMARY KEY, amount DECIMAL, note STRING",
      "INSERT INTO $table VALUES (1, 12.50, 'x'), (2, 1, 'y')",
    );
    const query =
      `SELECT id, amount * 2 AS twice, event_op() AS op FROM ${name} WHERE amount > 10 OR event_op() = 'delete'`;
    const args = ["--query", query, "--feed", name];
    await using queue = await rig.reader();
    {
      await using agent = await rig.agent({ table: "", args });
      await agent.said(({ message }) => message === "The initial scan is confirmed");
      await rig.sql(
        `INSERT INTO ${name} VALUES (3, 20, 'z'), (4, 2, 'z')`,
        `DELETE FROM ${name} WHERE id = 1`,
      );
      await queue.count(3);
      assert.equal(await agent.stop(), 0);
    }
    {
      await using agent = await rig.agent({ table: "", args: [...args, "--diff"] });
      await agent.said(({ message }) => message === "Sending what changes");
      await rig.sql(`UPDATE ${name} SET amount = 30 WHERE id = 3`);
      await queue.count(4);
      assert.equal(await agent.stop(), 0);
    }
    for (const { properties } of queue.messages) assert.match(properties.messageId ?? "", /^\d{19}/);
    assert.deepEqual(queue.messages.map(({ body, properties }) => `${properties.type} ${body}`), [
      `read {"table":"${name}","key":"[1]","value":{"id": 1, "op": "upsert", "twice": 25.00}}`,
      `upsert {"table":"${name}","key":"[3]","value":{"id": 3, "op": "upsert", "twice": 40}}`,
      `upsert {"table":"${name}","key":"[1]","value":{"id": 1, "op": "delete", "twice": null}}`,
      `update {"table":"${name}","key":"[3]","value":{"after": {"id": 3, "op": "upsert", "twice": 60}, ` +
      `"before": {"amount": 20, "id": 3, "note": "z"}}}`,
    ]);
    await using wrong = await rig.agent({
      table: "",
      args: ["--query", `SELECT nothing FROM ${name}`, "--feed", `${name}-2`],
    });
    await stopsWith(wrong, { kind: "OptionRejected", hint: /--query/ });
    await rig.sql(`INSERT INTO ${name} VALUES (9, 1, '${SECRET}')`);
    await using failing = await rig.agent({
      table: "",
      args: ["--query", `SELECT note::INT AS n FROM ${name} WHERE id = 9`, "--feed", `${name}-3`],
    });
    await stopsWith(failing, { kind: "OptionRejected", hint: /row data/ });
  });
});

Deno.test("--query on a version without CDC queries stops the agent, and says which version it needs", async () => {
  await using rig = await AgentRig.start({ version: "v22.1.0" });
  await rig.sql(`CREATE TABLE ${rig.name} (a INT PRIMARY KEY)`);
  await using agent = await rig.agent({
    table: "",
    args: ["--query", `SELECT a FROM ${rig.name}`, "--feed", rig.name],
  });
  await stopsWith(agent, { kind: "OptionRejected", hint: /v22\.2/ });
});
