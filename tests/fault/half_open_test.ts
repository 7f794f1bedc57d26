import assert from "node:assert/strict";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("a connection to RabbitMQ on which no confirm comes any more is noticed by its heartbeats", async () => {
  await using trial = await Trial.start();
  await using proxy = await TcpProxy.start(trial.rabbitmq.url);
  await using agent = await trial.running({
    args: ["--amqp-heartbeat", "1s"],
    env: { AMQP_ADDR: proxy.through(trial.rabbitmq.url) },
  });
  await trial.witness.note("half-open");
  const from = performance.now();
  proxy.blackhole();
  await agent.reaches("rabbitmq_messages_in_flight", MAX_IN_FLIGHT);
  await agent.said(({ message }) => /nothing received for 2 s/.test(message));
  const seconds = (performance.now() - from) / 1000;
  assert.ok(seconds < 5, `noticed after ${seconds} s`);
  proxy.heal();
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= MAX_IN_FLIGHT, `${repeated} repeated`);
});
