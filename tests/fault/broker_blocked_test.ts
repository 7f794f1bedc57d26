import assert from "node:assert/strict";
import { until } from "../support/ports.ts";
import { Trial } from "./trial.ts";

Deno.test("a memory alarm of RabbitMQ holds the messages back until it is over, and repeats none", async () => {
  await using trial = await Trial.start({ rabbitmq: { own: true } });
  await using agent = await trial.running();
  await trial.rabbitmq.ctl("set_vm_memory_high_watermark", "0.0001");
  await agent.reaches("rabbitmq_blocked", 1);
  await trial.more(1000);
  assert.equal((await agent.get("/healthz")).status, 200);
  assert.match(await (await agent.get("/metrics")).text(), /changefeed_state\{[^}]*state="waiting"\} 1/);
  await trial.rabbitmq.ctl("set_vm_memory_high_watermark", "0.4");
  await until(
    "the end of the alarm",
    10_000,
    async () => await agent.metric("rabbitmq_blocked") === 0 ? true : undefined,
  );
  await trial.settle();
  assert.equal(await agent.metric("changefeed_restarts_total"), 0);
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
