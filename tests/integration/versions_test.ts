import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";

/** The main job on each recorded version, whatever CockroachDB the other tests run on. */
for (const version of ["v20.2", "v21.2", "v22.1"]) {
  Deno.test(`a table that lives and changes is published on ${version}`, async () => {
    await using rig = await AgentRig.start({ version });
    const { name } = rig;
    await rig.sql(
      `CREATE TABLE ${name} (d DECIMAL PRIMARY KEY, b INT NOT NULL)`,
      `INSERT INTO ${name} VALUES (1.10, 1)`,
    );
    await using queue = await rig.reader();
    await using agent = await rig.agent();
    await queue.count(1);
    await rig.sql(`UPDATE ${name} SET b = 2`, `ALTER TABLE ${name} ADD COLUMN c INT DEFAULT 5`);
    // The row is written with its old columns and sent again with the new ones.
    await queue.count(4);
    await rig.sql(`ALTER TABLE ${name} ALTER PRIMARY KEY USING COLUMNS (b)`);
    await rig.sql(`UPDATE ${name} SET c = 6`);
    await queue.count(5);
    await rig.sql(`DELETE FROM ${name}`);
    await queue.count(6);
    assert.equal(await agent.stop(), 0);
    const bodies = queue.bodies.map((body) => JSON.parse(body));
    const row = (b: number, c?: number) => ({ b, ...(c === undefined ? {} : { c }), d: 1.1 });
    assert.deepEqual(bodies.map(({ value }) => value.after), [
      row(1),
      row(2),
      row(2),
      row(2, 5),
      row(2, 6),
      null,
    ]);
    assert.deepEqual(bodies.map(({ key }) => key), [...Array(4).fill("[1.10]"), "[2]", "[2]"]);
    assert.deepEqual([...new Set(bodies.map(({ table }) => table))], [name]);
  });
}
