import assert from "node:assert/strict";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { messageTo, optionsFor, uniqueName, withClient, withSession } from "./rabbitmq_rig.ts";

let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  // One channel publishes; whatever else there is to do takes turns on the other.
  rabbitmq = await RabbitMQ.start({ own: true, config: "channel_max = 2\n" });
});
Deno.test.afterAll(() => rabbitmq.stop());

const RETURNED = 5_000;

for (const onUnpublishable of ["skip", "dead-letter"] as const) {
  Deno.test(`${RETURNED} returned messages are passed over by ${onUnpublishable} with two channels, each once`, async () => {
    const deadLetterQueue = uniqueName();
    const options = optionsFor(rabbitmq.url, {
      exchange: "amq.direct",
      onUnpublishable,
      ...(onUnpublishable === "skip" ? {} : { deadLetterQueue }),
    });
    await withSession(options, async ({ publisher, outcomes, observed }) => {
      assert.equal(await publisher.lock(uniqueName()), true);
      for (let number = 1; number <= RETURNED; number++) {
        publisher.publish({ ...messageTo(`nobody ${number % 3}`), messageId: `${number}-A` });
      }
      await outcomes.until(RETURNED);
      const expected = Array.from({ length: RETURNED }, (_, index) => `${onUnpublishable} ${index + 1}-A`);
      assert.deepEqual(observed.passedOver, expected);
      assert.equal(outcomes.failures, 0);
    });
    if (onUnpublishable === "skip") return;
    await withClient(rabbitmq.url, async (client) => {
      const channel = await client.channel();
      const { messageCount } = await channel.queueDelete(deadLetterQueue);
      assert.equal(messageCount, RETURNED);
    });
  });
}

Deno.test("the lock is lost with the channel that publishes, and is another's then", async () => {
  const options = optionsFor(rabbitmq.url);
  const name = uniqueName();
  await withSession(options, async ({ publisher, outcomes }) => {
    assert.equal(await publisher.lock(name), true);
    await rabbitmq.ctl(
      "eval",
      `rabbit_amqqueue:delete_immediately_by_resource([rabbit_misc:r(<<"/">>, queue, <<"${name}">>)]).`,
    );
    const { kind, message } = await outcomes.failure;
    assert.equal(kind, "BrokerUnreachable");
    assert.match(message, /Lost the lock/);
  });
});
