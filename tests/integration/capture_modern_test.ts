import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";
import { stopsWith } from "./refusal.ts";

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
});
