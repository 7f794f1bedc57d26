import assert from "node:assert/strict";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

const FAILOVERS = 4;

// Two ways to one broker stand for two nodes of a cluster.
Deno.test("with several addresses of RabbitMQ the agent goes on at one that answers", async () => {
  await using trial = await Trial.start();
  const { url } = trial.rabbitmq;
  await using one = await TcpProxy.start(url);
  await using other = await TcpProxy.start(url);
  await using agent = await trial.running({
    env: { AMQP_ADDR: `${one.through(url)},${other.through(url)}` },
  });
  let from = 0;
  for (let failover = 1; failover <= FAILOVERS; failover++) {
    const [used, spare] = one.connections > 0 ? [one, other] : [other, one];
    await trial.witness.note(`failover ${failover}`);
    from = (await agent.log()).length;
    used.refuse();
    used.cut();
    const address = new URL(spare.through(url)).host;
    await agent.said(
      (line) => line.message === "Connected to the broker" && line["address"] === address,
      20_000,
      from,
    );
    await agent.reaches("rabbitmq_messages_sent", await agent.metric("rabbitmq_messages_sent") + 200);
    await used.accept();
  }
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeats } = await trial.sound();
  assert.ok(Object.values(repeats).every((count) => count <= MAX_IN_FLIGHT), JSON.stringify(repeats));
});
