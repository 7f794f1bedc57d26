import assert from "node:assert/strict";
import { RabbitMQ } from "../support/rabbitmq.ts";
import { until } from "../support/ports.ts";
import { deleteQueues, messageTo, optionsFor, uniqueName, withSession } from "./rabbitmq_rig.ts";

let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  rabbitmq = await RabbitMQ.start();
});
Deno.test.afterAll(() => rabbitmq.stop());

Deno.test("lock() gives a feed's lock to one connection, and to the next when that is closed", async () => {
  const options = optionsFor(rabbitmq.url);
  const name = `changefeed.test.${uniqueName()}`;
  await withSession(options, async ({ publisher: standby }) => {
    await withSession(options, async ({ publisher: holder, outcomes }) => {
      assert.equal(await holder.lock(name), true);
      for (let attempt = 1; attempt <= 3; attempt++) assert.equal(await standby.lock(name), false);
      holder.publish(messageTo(options.queue ?? ""));
      await outcomes.until(1);
    });
    // The broker frees it after it has answered the close, a moment later.
    await until("the lock", 5_000, async () => await standby.lock(name) || undefined);
  });
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("lock() of a name that AMQP cannot carry is ConfigInvalid", async () => {
  const options = optionsFor(rabbitmq.url);
  await withSession(
    options,
    ({ publisher }) =>
      assert.rejects(publisher.lock("f".repeat(256)), { kind: "ConfigInvalid", hint: /--feed/ }),
  );
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("lock() keeps different feeds apart", async () => {
  const options = optionsFor(rabbitmq.url);
  await withSession(options, async ({ publisher: first }) => {
    await withSession(options, async ({ publisher: second }) => {
      assert.equal(await first.lock(uniqueName()), true);
      assert.equal(await second.lock(uniqueName()), true);
    });
  });
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});
