import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("a changefeed that is cancelled again and again repeats nothing", async () => {
  await using trial = await Trial.start();
  await using agent = await trial.running();
  for (let cancelled = 1; cancelled <= 5; cancelled++) {
    assert.equal(await trial.cockroach.cancelFeeds(), 1);
    await agent.reaches("changefeed_restarts_total", cancelled);
    await agent.reaches("rabbitmq_messages_sent", await agent.metric("rabbitmq_messages_sent") + 200);
  }
  const kinds = (await agent.log()).flatMap(({ kind }) => kind ?? []);
  assert.deepEqual(new Set(kinds), new Set(["SourceDraining"]));
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
