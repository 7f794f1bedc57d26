import assert from "node:assert/strict";
import { AgentRig } from "../support/agent_rig.ts";

for (const policy of ["rescan", "latest"] as const) {
  Deno.test(`--on-expired-cursor ${policy} announces the gap, and goes on behind it`, async () => {
    await using rig = await AgentRig.start({ simulator: true });
    const table = rig.name;
    await rig.sql(`CREATE TABLE ${table} (a INT PRIMARY KEY, b INT)`, `INSERT INTO ${table} VALUES (1, 1)`);
    await using queue = await rig.reader();
    {
      await using agent = await rig.agent();
      await agent.reaches("cursor_store_writes_total", 1);
      assert.equal(await agent.stop(), 0);
    }
    const expired = await rig.cursor();
    await rig.sql(`INSERT INTO ${table} VALUES (2, 2)`);
    await rig.cockroach.simulator.collectGarbage(table, rig.cockroach.database);
    await using agent = await rig.agent({ args: ["--on-expired-cursor", policy] });
    const { after } = await agent.said(({ message }) => message.startsWith("Changes may be lost"));
    assert.equal(after, expired);
    const follows = policy === "rescan" ? "Sending the whole tables" : "Sending what changes";
    await agent.said(({ message, cursor }) => message.startsWith(follows) && cursor !== expired);
    await rig.sql(`INSERT INTO ${table} VALUES (3, 3)`);
    await queue.count(policy === "rescan" ? 5 : 3);
    assert.equal(await agent.metric("changefeed_gaps_total"), 1);
    assert.equal(await agent.stop(), 0);

    const [first, marker, ...rest] = queue.messages;
    assert.equal(first?.properties.type, "read");
    assert.equal(marker?.properties.type, "gap");
    const { table: named, key, value } = JSON.parse(marker?.body ?? "");
    assert.deepEqual([named, key], [table, "null"]);
    assert.equal(value.gap.after, expired);
    assert.equal(value.gap.then, policy === "rescan" ? "scan" : "changes");
    assert.deepEqual(
      rest.map(({ body, properties }) => `${properties.type} ${JSON.parse(body).key}`).sort(),
      policy === "rescan" ? ["read [1]", "read [2]", "upsert [3]"] : ["upsert [3]"],
    );
  });
}
