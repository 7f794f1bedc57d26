import assert from "node:assert/strict";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { Trial } from "./trial.ts";

Deno.test("a RabbitMQ that refuses connections at the start is waited for", async () => {
  await using trial = await Trial.start();
  const { url } = trial.rabbitmq;
  await using proxy = await TcpProxy.start(url);
  proxy.refuse();
  await using agent = await trial.agent({ env: { AMQP_ADDR: proxy.through(url) } });
  await agent.reaches("changefeed_restarts_total", 4);
  assert.equal((await agent.get("/readyz")).status, 503);
  assert.equal((await agent.get("/healthz")).status, 200);
  const { kind, message } = await agent.said(({ level }) => level === "warn");
  assert.equal(kind, "BrokerUnreachable");
  assert.match(message, /^Cannot connect to RabbitMQ at "127\.0\.0\.1:\d+".*ECONNREFUSED/);
  await proxy.accept();
  await agent.said(({ message }) => message === "The initial scan is confirmed");
  trial.change({ rate: 1000 });
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
