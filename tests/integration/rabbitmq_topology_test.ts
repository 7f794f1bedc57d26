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
  takeMessages,
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

Deno.test("connect() takes any name for a queue: words that failures are told by mean nothing in it", async () => {
  for (
    const queue of [
      "certificates",
      "tls-handshakes",
      "websocket timeout",
      "limit (1) is reached",
      "it's down",
    ]
  ) {
    const options = optionsFor(rabbitmq.url, { queue });
    await withSession(options, () => Promise.resolve());
    await deleteQueues(rabbitmq.url, queue);
  }
});

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
    const options = optionsFor(rabbitmq.url, { queue, queueType: "classic", queueTypeGiven: true });
    return withSession(options, () => Promise.resolve());
  }));

Deno.test("connect() takes an existing queue that has more than the operator asked for", () =>
  withQueue({ args: { "x-queue-type": "quorum", "x-max-length": 5, "x-delivery-limit": 3 } }, (queue) => {
    const queueArguments = { "x-delivery-limit": 3 };
    return withSession(optionsFor(rabbitmq.url, { queue, queueArguments }), () => Promise.resolve());
  }));

Deno.test("connect() takes an existing queue whose name is too long for the broker to say what differs", async () => {
  const queue = `${uniqueName()}-${"q".repeat(180)}`;
  await withClient(rabbitmq.url, async (client) => {
    const channel = await client.channel();
    await channel.queueDeclare(queue, { durable: true }, { "x-queue-type": "quorum", "x-max-length": 5 });
    const queueArguments = { "x-max-length": 5 };
    await withSession(optionsFor(rabbitmq.url, { queue, queueArguments }), () => Promise.resolve());
    await channel.queueDelete(queue);
  });
});

Deno.test("connect() names every argument in which a queue differs from what the operator asked for", () =>
  withQueue({
    durable: false,
    args: { "x-max-length": 5, "x-expires": 600_000, "x-max-priority": 4, "x-single-active-consumer": true },
  }, async (queue) => {
    const queueArguments = {
      "x-max-length": 10,
      "x-overflow": "reject-publish",
      "x-max-priority": "4",
      "x-single-active-consumer": false,
      "x-expires": 600_000,
    };
    const asked = { queue, queueArguments, queueType: "quorum", queueTypeGiven: true } as const;
    const error = await refusal(optionsFor(rabbitmq.url, asked));
    assert.equal(error.kind, "TopologyMismatch");
    assert.equal(
      error.message,
      `Queue "${queue}" is not what the settings ask for: x-queue-type is "classic", --queue-type asks for "quorum"; ` +
        "x-max-length is 5, --queue-argument asks for 10; " +
        'x-overflow is not set, --queue-argument asks for "reject-publish"; ' +
        'x-max-priority is 4, --queue-argument asks for "4"; ' +
        "x-single-active-consumer is true, --queue-argument asks for false",
    );
    assert.equal(
      error.hint,
      "take it as it is: --queue-type classic, --queue-argument 'x-max-length=5', no --queue-argument x-overflow, " +
        "--queue-argument 'x-max-priority=4', --queue-argument 'x-single-active-consumer=true'; " +
        `or delete it with its messages and start again: rabbitmqctl delete_queue '${queue}'`,
    );
  }));

Deno.test("connect() calls an argument that the broker refuses a TopologyMismatch", async () => {
  const error = await refusal(optionsFor(rabbitmq.url, { queueArguments: { "x-max-length": "many" } }));
  assert.equal(error.kind, "TopologyMismatch");
  assert.match(error.message, /invalid arg 'x-max-length'.*expected integer/);
  assert.match(error.hint, /numbers, true and false are typed/);
});

Deno.test("connect() declares a stream with arguments of every type", async () => {
  const queueArguments = { "x-max-age": "7D", "x-max-length-bytes": 1_000_000 };
  const asked = { queueType: "stream", queueTypeGiven: true, queueArguments } as const;
  const options = optionsFor(rabbitmq.url, asked);
  for (let time = 1; time <= 2; time++) await withSession(options, () => Promise.resolve());
  const error = await refusal({ ...options, queueArguments: { ...queueArguments, "x-max-age": "8D" } });
  assert.match(error.message, /: x-max-age is "7D", --queue-argument asks for "8D"$/);
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("connect() binds the queue to the exchange when both are given, and takes it as it is the next time", () =>
  withClient(rabbitmq.url, async (client) => {
    const exchange = uniqueName();
    const channel = await client.channel();
    await channel.exchangeDeclare(exchange, "topic", { durable: false });
    const options = optionsFor(rabbitmq.url, { exchange, bindingKeys: ["orders.*", "customers"] });
    for (const routingKey of ["orders.upsert", "customers"]) {
      await withSession(options, async ({ publisher, outcomes }) => {
        publisher.publish(messageTo(routingKey));
        await outcomes.until(1);
      });
    }
    await withSession(options, async ({ publisher, outcomes }) => {
      publisher.publish(messageTo("orders"));
      const error = await outcomes.failure;
      assert.equal(error.kind, "Unroutable");
      assert.match(error.hint, /--binding-key/);
    });
    const messages = await takeMessages(rabbitmq.url, options.queue ?? "", 2);
    assert.deepEqual(messages.map(({ routingKey }) => routingKey), ["orders.upsert", "customers"]);
    await deleteQueues(rabbitmq.url, options.queue ?? "");
    await channel.exchangeDelete(exchange);
  }));

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
    assert.match(error.hint, new RegExp(`rabbitmqadmin declare exchange name='${exchange}' type=topic`));
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
