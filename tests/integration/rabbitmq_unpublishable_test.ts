import assert from "node:assert/strict";
import { RabbitMQ } from "../support/rabbitmq.ts";
import {
  deleteQueues,
  messageTo,
  Observed,
  optionsFor,
  Outcomes,
  uniqueName,
  withClient,
  withSession,
} from "./rabbitmq_rig.ts";
import { RabbitMQBroker } from "../../src/rabbitmq/broker.ts";
import { propertyBytes } from "../../src/rabbitmq/message_limits.ts";

const LIMIT = 200_000;
let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  rabbitmq = await RabbitMQ.start({ own: true, config: `max_message_size = ${LIMIT}\n` });
});
Deno.test.afterAll(() => rabbitmq.stop());

/** Everything in a queue, removed from it. */
function takeAll(queue: string) {
  return withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    const letters = [];
    for (let next = await channel.basicGet(queue); next !== null; next = await channel.basicGet(queue)) {
      letters.push({ properties: next.properties, body: next.bodyString() });
    }
    return letters;
  });
}

Deno.test("refuses() names a message over the broker's limit once the broker has refused one", async () => {
  const options = optionsFor(rabbitmq.url);
  const broker = new RabbitMQBroker(options, new Observed());
  const large = messageTo(options.queue ?? "", "a".repeat(LIMIT + 1));
  const first = new Outcomes();
  const session = await broker.connect(first, new AbortController().signal);
  assert.equal(session.refuses(large), undefined);
  session.publish(large);
  assert.equal((await first.failure).kind, "BrokerNacked");
  await session.close();
  const next = await broker.connect(new Outcomes(), new AbortController().signal);
  assert.equal(next.refuses(large), `its body has ${LIMIT + 1} bytes, and RabbitMQ takes at most ${LIMIT}`);
  assert.equal(next.refuses(messageTo("q", "a".repeat(LIMIT))), undefined);
  assert.match(next.refuses(messageTo("é".repeat(128))) ?? "", /routing key has 256 bytes/);
  await next.close();
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("refuses() names a message whose properties do not fit into a frame; the largest that do are taken", async () => {
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    const withHeader = (length: number) => ({ ...messageTo(queue), headers: { key: "k".repeat(length) } });
    const rest = propertyBytes(withHeader(0)), most = 131_072 - 8 - rest;
    assert.equal(publisher.refuses(withHeader(most)), undefined);
    publisher.publish(withHeader(most));
    await outcomes.until(1);
    assert.match(publisher.refuses(withHeader(most + 1)) ?? "", /properties have 131065 bytes/);
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("deadLetter() resolves when the broker has the letter, with its headers", async () => {
  const deadLetterQueue = uniqueName();
  const options = optionsFor(rabbitmq.url, { onUnpublishable: "dead-letter", deadLetterQueue });
  await withSession(options, async ({ publisher, queue }) => {
    await publisher.deadLetter({
      body: new Uint8Array(),
      contentType: "application/json",
      messageId: "1-HASH",
      type: "upsert",
      headers: { reason: "too large", table: "foo", size: 300_000 },
    });
    const [letter] = await takeAll(deadLetterQueue);
    assert.equal(letter?.properties.messageId, "1-HASH");
    assert.equal(letter?.properties.deliveryMode, 2);
    assert.deepEqual({ ...letter?.properties.headers }, { reason: "too large", table: "foo", size: 300_000 });
    await deleteQueues(rabbitmq.url, queue, deadLetterQueue);
    await assert.rejects(
      publisher.deadLetter({
        body: new Uint8Array(),
        contentType: "",
        messageId: undefined,
        type: "",
        headers: {},
      }),
      /does not exist/,
    );
  });
});

for (const onUnpublishable of ["skip", "dead-letter"] as const) {
  Deno.test(`a returned message is passed over by ${onUnpublishable}; only then later confirms count`, async () => {
    const deadLetterQueue = uniqueName();
    const exchange = "amq.direct", at = new Date("2026-01-31T12:00:00Z");
    const options = optionsFor(rabbitmq.url, {
      exchange,
      onUnpublishable,
      ...(onUnpublishable === "skip" ? {} : { deadLetterQueue }),
    });
    const bound = uniqueName();
    await withClient(rabbitmq.url, async (client) => {
      const channel = await client.channel();
      await channel.queueDeclare(bound, { durable: true });
      await channel.queueBind(bound, exchange, bound);
    });
    await withSession(options, async ({ publisher, outcomes, observed }) => {
      publisher.publish(messageTo(bound, "first"));
      publisher.publish({ ...messageTo("nobody", "unroutable"), headers: { n: 1, at } });
      publisher.publish(messageTo(bound, "last"));
      await outcomes.until(3);
      assert.deepEqual(observed.passedOver, [`${onUnpublishable} ${messageTo("").messageId}`]);
      assert.equal(observed.returnedMessages, 1);
      assert.equal(outcomes.failures, 0);
    });
    assert.deepEqual((await takeAll(bound)).map(({ body }) => body), ["first", "last"]);
    if (onUnpublishable === "dead-letter") {
      const [letter] = await takeAll(deadLetterQueue);
      assert.equal(letter?.body, "unroutable");
      const { n, at: time, "routing-key": routingKey } = letter?.properties.headers ?? {};
      assert.deepEqual([n, time, routingKey], [1, at, "nobody"]);
      assert.match(String(letter?.properties.headers?.["reason"]), /No queue is bound/);
      await deleteQueues(rabbitmq.url, deadLetterQueue);
    }
    await deleteQueues(rabbitmq.url, bound);
  });
}

Deno.test("a message returned by a missing queue's default exchange is passed over too", async () => {
  const options = optionsFor(rabbitmq.url, { onUnpublishable: "skip" });
  await withSession(options, async ({ publisher, outcomes, observed, queue }) => {
    await deleteQueues(rabbitmq.url, queue);
    publisher.publish(messageTo(queue));
    await outcomes.until(1);
    assert.equal(observed.passedOver.length, 1);
  });
});
