import assert from "node:assert/strict";
import { RabbitMQ } from "../support/rabbitmq.ts";
import {
  deleteQueues,
  messageTo,
  optionsFor,
  takeMessages,
  uniqueName,
  withClient,
  withSession,
} from "./rabbitmq_rig.ts";

const utf8 = new TextEncoder();
let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  rabbitmq = await RabbitMQ.start();
});
Deno.test.afterAll(() => rabbitmq.stop());

Deno.test("publish() delivers every field of a message as it was given", async () => {
  const headers = { table: "foo 😀", empty: "", nul: "a\0b\n", yes: true, small: -5, large: 2 ** 40 };
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    publisher.publish({ ...messageTo(queue, '{"a":"😀 \\u0000 \t"}'), headers });
    await outcomes.until(1);
    const [message] = await takeMessages(rabbitmq.url, queue, 1);
    assert.deepEqual(message?.body, utf8.encode('{"a":"😀 \\u0000 \t"}'));
    assert.equal(message?.exchange, "");
    assert.equal(message?.routingKey, queue);
    assert.deepEqual(message?.properties, {
      contentType: "application/json",
      headers,
      deliveryMode: 2,
      messageId: "1795327222747839112-ABCDEFGHIJKLMNOP",
      type: "upsert",
    });
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("publish() delivers bodies of no byte, of one frame and one byte more, and of 1 MB, in order", async () => {
  const sizes = [0, 1, 131_064, 131_065, 1_048_576, 2, 65_536];
  const digits = "0123456789abcdefghijklmnopqrstuvwxyz ";
  const bodies = sizes.map((size) => digits.repeat(Math.ceil(size / digits.length)).slice(0, size));
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    for (const body of bodies) publisher.publish(messageTo(queue, body));
    await outcomes.until(sizes.length);
    const messages = await takeMessages(rabbitmq.url, queue, sizes.length);
    for (const [index, message] of messages.entries()) {
      assert.equal(message.bodyString() ?? "", bodies[index]);
    }
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("publish() leaves message-id and headers out when there are none", async () => {
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    publisher.publish({ ...messageTo(queue), messageId: undefined });
    publisher.publish({ ...messageTo(queue), messageId: "" });
    await outcomes.until(2);
    const [without, empty] = await takeMessages(rabbitmq.url, queue, 2);
    assert.deepEqual(Object.keys(without!.properties), ["contentType", "deliveryMode", "type"]);
    assert.equal(empty?.properties.messageId, "");
    await deleteQueues(rabbitmq.url, queue);
  });
});

for (const queueType of ["classic", "quorum"] as const) {
  Deno.test(`publish() has 5,000 messages confirmed by a ${queueType} queue, in order and each once`, async () => {
    const count = 5000;
    await withSession(optionsFor(rabbitmq.url, { queueType }), async ({ publisher, outcomes, queue }) => {
      for (let number = 1; number <= count; number++) publisher.publish(messageTo(queue, String(number)));
      await outcomes.until(count);
      assert.equal(outcomes.settled, count);
      const messages = await takeMessages(rabbitmq.url, queue, count);
      assert.deepEqual(
        messages.map((message) => Number(message.bodyString())),
        Array.from({ length: count }, (_, index) => index + 1),
      );
      await deleteQueues(rabbitmq.url, queue);
    });
  });
}

Deno.test("publish() sends to an exchange with the message's routing key", async () => {
  const exchange = uniqueName();
  const queue = uniqueName();
  await withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    await channel.exchangeDeclare(exchange, "topic", { durable: false });
    await channel.queueDeclare(queue, { durable: true });
    await channel.queueBind(queue, exchange, "db.*");
    await withSession(optionsFor(rabbitmq.url, { exchange }), async ({ publisher, outcomes }) => {
      publisher.publish(messageTo("db.foo", "1"));
      publisher.publish(messageTo("db.naïve", "2"));
      await outcomes.until(2);
    });
    const messages = await takeMessages(rabbitmq.url, queue, 2);
    assert.deepEqual(messages.map(({ routingKey }) => routingKey), ["db.foo", "db.naïve"]);
    assert.deepEqual(messages.map((message) => message.exchange), [exchange, exchange]);
    await channel.queueDelete(queue);
    await channel.exchangeDelete(exchange);
  });
});

Deno.test("close() sends what was published before it", async () => {
  const options = optionsFor(rabbitmq.url);
  const queue = options.queue ?? "";
  await withSession(options, ({ publisher }) => {
    publisher.publish(messageTo(queue, "last"));
    return Promise.resolve();
  });
  const [message] = await takeMessages(rabbitmq.url, queue, 1);
  assert.equal(message?.bodyString(), "last");
  await deleteQueues(rabbitmq.url, queue);
});
