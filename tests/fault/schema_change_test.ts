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
