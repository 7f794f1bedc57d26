import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";

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
});
