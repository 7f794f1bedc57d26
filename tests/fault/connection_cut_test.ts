import assert from "node:assert/strict";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

const CUTS = 3;

Deno.test("a connection to RabbitMQ that is cut with publishes in flight repeats only those", async () => {
  await using trial = await Trial.start();
  await using proxy = await TcpProxy.start(trial.rabbitmq.url);
  proxy.delay(10); // so that something is in flight
  await using agent = await trial.running({ env: { AMQP_ADDR: proxy.through(trial.rabbitmq.url) } });
  for (let cut = 1; cut <= CUTS; cut++) {
    await agent.reaches("rabbitmq_messages_in_flight", 1);
    await trial.witness.note(`cut ${cut}`);
    proxy.cut();
    await agent.reaches("changefeed_restarts_total", cut);
    // A real CockroachDB sends what was in flight in any order, so 200 newer changes may come before it.
    await trial.caughtUp();
  }
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeats } = await trial.sound();
  for (let cut = 1; cut <= CUTS; cut++) {
    assert.ok((repeats[`cut ${cut}`] ?? 0) <= MAX_IN_FLIGHT, JSON.stringify(repeats));
  }
});
