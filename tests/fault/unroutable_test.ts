import assert from "node:assert/strict";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("messages that the exchange routes nowhere are returned, stop the agent, and are sent again", async () => {
  await using trial = await Trial.start();
  const exchange = `${trial.name}-exchange`;
  const routing = ["--exchange", exchange, "--routing-key", "changes.{table}"];
  await trial.witness.onChannel(async (channel) => {
    await channel.exchangeDeclare(exchange, "topic", { durable: true });
    await channel.queueBind(trial.name, exchange, "changes.*");
  });
  {
    await using agent = await trial.running({ args: routing, env: { AMQP_QUEUE: "" } });
    await trial.witness.note("unbound");
    await trial.witness.onChannel((channel) => channel.queueUnbind(trial.name, exchange, "changes.*"));
    const { hint } = await trial.stopped(agent, "Unroutable");
    assert.match(hint ?? "", /bind a queue/);
  }
  await trial.more(300);
  await trial.witness.onChannel((channel) => channel.queueBind(trial.name, exchange, "changes.*"));
  await using agent = await trial.agent({ args: routing, env: { AMQP_QUEUE: "" } });
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= MAX_IN_FLIGHT, `${repeated} repeated`);
  await trial.witness.onChannel((channel) => channel.exchangeDelete(exchange));
});
