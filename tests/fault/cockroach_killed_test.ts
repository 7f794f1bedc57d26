import assert from "node:assert/strict";
import { OWN_COCKROACH, Trial } from "./trial.ts";

Deno.test("a CockroachDB that is killed and started again repeats nothing", async () => {
  await using trial = await Trial.start({ cockroach: OWN_COCKROACH });
  await using agent = await trial.running();
  for (let kill = 1; kill <= 2; kill++) {
    await trial.cockroach.kill();
    await agent.reaches("changefeed_restarts_total", kill);
    await trial.cockroach.restart();
    await trial.more(300);
    await agent.reaches("rabbitmq_messages_sent", await agent.metric("rabbitmq_messages_sent") + 200);
  }
  await agent.said(({ kind }) => kind === "SourceUnreachable");
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
