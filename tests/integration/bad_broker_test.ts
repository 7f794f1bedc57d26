import assert from "node:assert/strict";
import type { AgentRig } from "../support/agent_rig.ts";
import { publishesTheRow, rigWithRow, SECRET, stopsWith } from "./refusal.ts";

Deno.test("a wrong password for RabbitMQ stops the agent, which does not show it", async () => {
  await using rig = await rigWithRow();
  const url = new URL(rig.rabbitmq.url);
  url.password = SECRET;
  await using agent = await rig.agent({ env: { AMQP_ADDR: url.href } });
  await stopsWith(agent, { kind: "BrokerDenied", value: url.username, hint: /password/ });
});

Deno.test("a virtual host that does not exist stops the agent", async () => {
  await using rig = await rigWithRow();
  await using agent = await rig.agent({ env: { AMQP_ADDR: `${rig.rabbitmq.url}/no-such-vhost` } });
  await stopsWith(agent, { kind: "BrokerDenied", value: "no-such-vhost", hint: /vhost/ });
});

Deno.test("a queue with other arguments stops the agent only if the operator asked for them", async () => {
  await using rig = await rigWithRow();
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(rig.name, { durable: false, autoDelete: false }, {
      "x-queue-type": "classic",
    });
  });
  {
    await using agent = await rig.agent({ args: ["--queue-type", "quorum"] });
    await stopsWith(agent, {
      kind: "TopologyMismatch",
      value: rig.name,
      hint: /--queue-type classic; or delete it/,
    });
  }
  await using agent = await rig.agent();
  await agent.reaches("rabbitmq_messages_sent", 1);
  assert.equal(await agent.stop(), 0);
});

Deno.test("a missing queue that may not be declared stops the agent; created, it gets the row", async () => {
  await using rig = await rigWithRow();
  const args = ["--declare", "never"];
  {
    await using agent = await rig.agent({ args });
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /create the queue/ });
  }
  await publishesTheRow(rig, () => rig.agent({ args }));
});

Deno.test("an exchange that is missing, or routes to no queue, stops the agent and loses no row", async () => {
  await using rig = await rigWithRow();
  const start = () =>
    rig.agent({ args: ["--exchange", rig.name, "--routing-key", "k"], env: { AMQP_QUEUE: "" } });
  {
    await using agent = await start();
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /rabbitmqadmin declare exchange/ });
  }
  await using _exchange = await declareExchange(rig);
  {
    await using agent = await start();
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /bind a queue/ });
  }
  await rig.withBroker(async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(rig.name, { durable: true }, { "x-queue-type": "quorum" });
    await channel.queueBind(rig.name, rig.name, "k");
  });
  await publishesTheRow(rig, start);
});

async function declareExchange(rig: AgentRig): Promise<AsyncDisposable> {
  await rig.withBroker(async (client) => {
    await (await client.channel()).exchangeDeclare(rig.name, "direct", { durable: false, autoDelete: false });
  });
  return {
    [Symbol.asyncDispose]: () =>
      rig.withBroker(async (client) => {
        await (await client.channel()).exchangeDelete(rig.name);
      }),
  };
}

Deno.test("a queue that is deleted while it is published to stops the agent; the next start loses nothing", async () => {
  await using rig = await rigWithRow();
  {
    await using agent = await rig.agent();
    await agent.said(({ message }) => message === "Cursor stored");
    await rig.withBroker(async (client) => {
      await (await client.channel()).queueDelete(rig.name);
    });
    await rig.sql(`INSERT INTO ${rig.name} VALUES (2)`);
    await stopsWith(agent, { kind: "Unroutable", value: rig.name, hint: /create or bind the queue/ });
  }
  await using agent = await rig.agent();
  await agent.reaches("rabbitmq_messages_sent", 1);
  await using queue = await rig.reader();
  await queue.count(1);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(queue.bodies.map((body) => JSON.parse(body).key), ["[2]"]);
});
