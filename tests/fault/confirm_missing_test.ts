import assert from "node:assert/strict";
import { FAST_TIME, MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("a RabbitMQ that lives but confirms nothing is given up, and repeats only what was in flight", async () => {
  await using trial = await Trial.start({ rabbitmq: { own: true } });
  await using agent = await trial.running(FAST_TIME);
  await trial.witness.note("no confirms");
  const leader = `whereis('%2F_${trial.name}')`;
  await trial.rabbitmq.ctl("eval", `sys:suspend(${leader}).`);
  await agent.said(({ message }) => /^No confirm of \d+ messages for 30 s/.test(message));
  await trial.rabbitmq.ctl("eval", `sys:resume(${leader}).`);
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= 2 * MAX_IN_FLIGHT, `${repeated} repeated`);
});
