import assert from "node:assert/strict";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("a RabbitMQ that is killed keeps what it confirmed, and gets the rest when it is back", async () => {
  await using trial = await Trial.start({ rabbitmq: { own: true } });
  await trial.rabbitmq.rememberQueues();
  await using agent = await trial.running();
  await trial.witness.note("killed");
  await trial.rabbitmq.kill();
  await agent.said(({ kind }) => kind === "BrokerUnreachable");
  await trial.more(500);
  assert.equal((await agent.get("/healthz")).status, 200);
  assert.equal(await agent.metric("rabbitmq_connected"), 0);
  await trial.rabbitmq.restart();
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= MAX_IN_FLIGHT, `${repeated} repeated`);
});
