import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("a column that is added and one that is dropped write every row again, and nothing is lost", async () => {
  await using trial = await Trial.start();
  await using agent = await trial.running();
  await trial.cockroach.sql(`ALTER TABLE ${trial.name} ADD COLUMN extra INT NOT NULL DEFAULT 7`);
  await trial.more(300);
  await trial.cockroach.sql(`ALTER TABLE ${trial.name} DROP COLUMN extra`);
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound({ rewritten: true });
  assert.equal(repeated, 0);
});

Deno.test("a primary key that is changed again and again before anything is confirmed does not end the feed", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using agent = await trial.running();
  const changes = 8;
  for (let n = 0; n < changes; n++) {
    await trial.cockroach.simulator.inject({
      kind: "fail",
      code: "55C01",
      message: "schema change occurred at 1795916357512202854.0000000000",
      afterRows: 0,
    });
  }
  await agent.reaches("changefeed_restarts_total", changes);
  const { kind, hint } = await agent.said(({ level, kind }) => level === "warn" && kind !== undefined);
  assert.equal(kind, "PrimaryKeyChanged");
  assert.match(hint ?? "", /rows have new keys/);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
