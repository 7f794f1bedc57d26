import assert from "node:assert/strict";
import type { AgentError } from "../../src/errors.ts";
import { RabbitMQBroker, type RabbitMQOptions } from "../../src/rabbitmq/broker.ts";
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

let rabbitmq: RabbitMQ;
Deno.test.beforeAll(async () => {
  rabbitmq = await RabbitMQ.start();
});
Deno.test.afterAll(() => rabbitmq.stop());

async function refusal(options: RabbitMQOptions): Promise<AgentError> {
  const broker = new RabbitMQBroker(options, new Observed());
  const refused = await broker.connect(new Outcomes(), new AbortController().signal).then(
    async (publisher) => {
      await publisher.close();
      return undefined;
    },
    (error: AgentError) => error,
  );
  assert.ok(refused, "the broker took the topology");
  return refused;
}

/** Declares a queue as somebody else would, runs the test and deletes it. */
async function withQueue(
  settings: { durable?: boolean; args?: Record<string, unknown> },
  test: (queue: string) => Promise<void>,
): Promise<void> {
  const queue = uniqueName();
  await withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(queue, { durable: settings.durable ?? true }, settings.args);
    try {
      await test(queue);
    } finally {
      await channel.queueDelete(queue);
    }
  });
}

Deno.test("connect() declares a missing queue: durable, of the type and with the arguments asked for", async () => {
  const options = optionsFor(rabbitmq.url, { queueType: "quorum", queueArguments: { "x-max-length": 10 } });
  await withSession(options, () => Promise.resolve());
  await withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    const args = { "x-queue-type": "quorum", "x-max-length": 10 };
    await channel.queueDeclare(options.queue, { durable: true }, args);
    await channel.queueDelete(options.queue);
  });
});

Deno.test("connect() takes an existing transient queue as it is", () =>
  withQueue(
    { durable: false },
    (queue) =>
      withSession(
        optionsFor(rabbitmq.url, { queue, queueType: "quorum" }),
        async ({ publisher, outcomes }) => {
          publisher.publish(messageTo(queue));
          await outcomes.until(1);
        },
      ),
  ));

Deno.test("connect() takes an existing transient queue when --queue-type asks for the type it has", () =>
  withQueue({ durable: false }, (queue) => {
    const options = optionsFor(rabbitmq.url, { queue, queueType: "classic", explicitArguments: true });
    return withSession(options, () => Promise.resolve());
  }));

Deno.test("connect() names the argument that differs from what the operator asked for", () =>
  withQueue({ args: { "x-max-length": 5 } }, async (queue) => {
    const options = optionsFor(rabbitmq.url, {
      queue,
      queueArguments: { "x-max-length": 10 },
      explicitArguments: true,
    });
    const error = await refusal(options);
    assert.equal(error.kind, "TopologyMismatch");
    assert.match(error.message, /inequivalent arg 'x-max-length' for queue/);
    assert.match(error.hint, /--queue-argument/);
  }));

Deno.test("connect() names the type that differs from --queue-type", () =>
  withQueue({}, async (queue) => {
    const error = await refusal(
      optionsFor(rabbitmq.url, { queue, queueType: "quorum", explicitArguments: true }),
    );
    assert.equal(error.kind, "TopologyMismatch");
    assert.match(error.message, /inequivalent arg 'x-queue-type'/);
  }));

Deno.test("connect() calls an argument that the broker refuses a TopologyMismatch", async () => {
  const error = await refusal(optionsFor(rabbitmq.url, { queueArguments: { "x-max-length": "many" } }));
  assert.equal(error.kind, "TopologyMismatch");
  assert.match(error.message, /invalid arg 'x-max-length'/);
});

Deno.test("connect() with --declare never calls a missing queue Unroutable", async () => {
  const options = optionsFor(rabbitmq.url, { declare: "never" });
  const error = await refusal(options);
  assert.equal(error.kind, "Unroutable");
  assert.match(error.message, new RegExp(`no queue '${options.queue}' in vhost`));
  assert.match(error.hint, /--declare if-missing/);
});

Deno.test("connect() calls a missing exchange Unroutable, and declares none", async () => {
  const exchange = uniqueName();
  for (let attempt = 1; attempt <= 2; attempt++) {
    const error = await refusal(optionsFor(rabbitmq.url, { exchange }));
    assert.equal(error.kind, "Unroutable");
    assert.match(error.message, new RegExp(`Cannot find exchange "${exchange}"`));
    assert.match(error.hint, /declare the exchange/);
  }
});

Deno.test("connect() calls a queue that another connection has for itself a TopologyMismatch", () =>
  withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    const queue = uniqueName();
    await channel.queueDeclare(queue, { durable: false, exclusive: true });
    const error = await refusal(optionsFor(rabbitmq.url, { queue }));
    assert.equal(error.kind, "TopologyMismatch");
    assert.match(error.message, /RESOURCE_LOCKED/);
  }));

Deno.test("a returned message is Unroutable when its queue is gone, and is never confirmed", async () => {
  const options = optionsFor(rabbitmq.url);
  await withSession(options, async ({ publisher, outcomes, observed, queue }) => {
    await deleteQueues(rabbitmq.url, queue);
    publisher.publish(messageTo(queue));
    publisher.publish(messageTo(queue));
    const error = await outcomes.failure;
    assert.equal(error.kind, "Unroutable");
    assert.match(error.message, new RegExp(`no queue '${queue}' in vhost`));
    assert.equal(outcomes.settled, 0);
    assert.equal(outcomes.failures, 1);
    assert.ok(observed.returnedMessages >= 1);
  });
});

Deno.test("a returned message is Unroutable when nothing is bound to the exchange", () =>
  withClient(rabbitmq.url, async (client) => {
    const exchange = uniqueName();
    const channel = await client.channel();
    await channel.exchangeDeclare(exchange, "direct", { durable: false });
    await withSession(optionsFor(rabbitmq.url, { exchange }), async ({ publisher, outcomes }) => {
      publisher.publish(messageTo("nowhere"));
      const error = await outcomes.failure;
      assert.equal(error.kind, "Unroutable");
      assert.match(error.message, new RegExp(`No queue is bound to exchange "${exchange}"`));
      assert.equal(outcomes.settled, 0);
    });
    await channel.exchangeDelete(exchange);
  }));

Deno.test("publishing to an exchange that was deleted is Unroutable", () =>
  withClient(rabbitmq.url, async (client) => {
    const exchange = uniqueName();
    const channel = await client.channel();
    await channel.exchangeDeclare(exchange, "direct", { durable: false });
    await withSession(optionsFor(rabbitmq.url, { exchange }), async ({ publisher, outcomes }) => {
      await channel.exchangeDelete(exchange);
      publisher.publish(messageTo("key"));
      const error = await outcomes.failure;
      assert.equal(error.kind, "Unroutable");
      assert.match(error.message, /NOT_FOUND - no exchange/);
    });
  }));

Deno.test("a message that a full queue refuses is BrokerNacked", async () => {
  const queueArguments = { "x-max-length": 1, "x-overflow": "reject-publish" };
  await withSession(
    optionsFor(rabbitmq.url, { queueArguments }),
    async ({ publisher, outcomes, observed, queue }) => {
      for (let number = 1; number <= 5; number++) publisher.publish(messageTo(queue));
      const error = await outcomes.failure;
      assert.equal(error.kind, "BrokerNacked");
      assert.ok(outcomes.settled < 5);
      assert.ok(observed.nackedMessages >= 1 && observed.nackedMessages <= 5);
      await deleteQueues(rabbitmq.url, queue);
    },
  );
});
