import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("a cursor past garbage collection stops the agent, which leaves the cursor as it is", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  {
    await using agent = await trial.running();
    await trial.settle();
    assert.equal(await agent.stop(), 0);
  }
  const cursor = await trial.cursor();
  const { cockroach, name } = trial;
  await cockroach.simulator.collectGarbage(name, cockroach.database);
  await using agent = await trial.agent();
  const { hint } = await trial.stopped(agent, "CursorExpired");
  assert.match(hint ?? "", /run `cursor delete` to scan anew, and raise gc.ttlseconds/);
  assert.equal(await trial.cursor(), cursor);
  assert.equal((await trial.sound()).repeated, 0);
});
