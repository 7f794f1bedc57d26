import assert from "node:assert/strict";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { Trial } from "./trial.ts";

Deno.test("an agent that is killed again and again repeats at most what it sent since the stored cursor", async () => {
  await using trial = await Trial.start();
  await using proxy = await TcpProxy.start(trial.rabbitmq.url);
  proxy.delay(10); // so that something is in flight
  const options = { env: { AMQP_ADDR: proxy.through(trial.rabbitmq.url) } };
  const first = await trial.running(options);
  await trial.kill(first);
  await first[Symbol.asyncDispose]();
  for (let kill = 1; kill <= 3; kill++) {
    await using agent = await trial.agent(options);
    await agent.reaches("rabbitmq_messages_sent", kill * 100);
    await trial.kill(agent);
  }
  await using agent = await trial.agent(options);
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  await trial.sound(); // no repeat is at or below the cursor stored when its agent was killed
});
