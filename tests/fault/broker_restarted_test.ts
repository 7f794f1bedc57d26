import assert from "node:assert/strict";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("a RabbitMQ that is stopped and started again gets what it had not confirmed, and no more", async () => {
  await using trial = await Trial.start({ rabbitmq: { own: true } });
  await using agent = await trial.running();
  await trial.witness.note("stopped");
  await trial.rabbitmq.restart();
  await trial.more(100);
  await trial.settle();
  assert.ok(await agent.metric("changefeed_restarts_total") > 0);
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= MAX_IN_FLIGHT, `${repeated} repeated`);
});
