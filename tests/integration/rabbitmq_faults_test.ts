import assert from "node:assert/strict";
import { RabbitMQBroker } from "../../src/rabbitmq/broker.ts";
import { RabbitMQ } from "../support/rabbitmq.ts";
import {
  deleteQueues,
  messageTo,
  Observed,
  optionsFor,
  Outcomes,
  Proxy,
  uniqueName,
  withClient,
  withSession,
} from "./rabbitmq_rig.ts";

// These tests stop, freeze and reconfigure the broker, so it is always one of their own.
let rabbitmq: RabbitMQ;
const unhandled: unknown[] = [];
const onUnhandled = (event: PromiseRejectionEvent) => {
  event.preventDefault();
  unhandled.push(event.reason);
};
Deno.test.beforeAll(async () => {
  rabbitmq = await RabbitMQ.start({ own: true, config: "max_message_size = 200000\n" });
  globalThis.addEventListener("unhandledrejection", onUnhandled);
});
Deno.test.afterAll(async () => {
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  await rabbitmq.stop();
});
Deno.test.beforeEach(() => {
  unhandled.length = 0;
});
Deno.test.afterEach(() => assert.deepEqual(unhandled, []));

/** Lets promises that were rejected unhandled be reported. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a connection that is cut while publishing is BrokerUnreachable, reported once", async () => {
  const proxy = await Proxy.start(rabbitmq.url);
  const options = optionsFor(proxy.url);
  await withSession(options, async ({ publisher, outcomes, queue }) => {
    assert.equal(await publisher.lock(uniqueName()), true);
    publisher.publish(messageTo(queue));
    await outcomes.until(1);
    for (let number = 0; number < 2000; number++) publisher.publish(messageTo(queue, "x".repeat(1000)));
    proxy.cut();
    const error = await outcomes.failure;
    assert.equal(error.kind, "BrokerUnreachable");
    assert.match(error.message, /Lost the connection to RabbitMQ at "127\.0\.0\.1:\d+"/);
    for (let number = 0; number < 100; number++) publisher.publish(messageTo(queue));
    await nextTurn();
    assert.equal(outcomes.failures, 1);
    await assert.rejects(publisher.lock(uniqueName()), { kind: "BrokerUnreachable" });
  });
  await proxy.stop();
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("a peer that falls silent while being written to is noticed within three heartbeats", async () => {
  const proxy = await Proxy.start(rabbitmq.url);
  const options = optionsFor(proxy.url, { heartbeat: 1 });
  await withSession(options, async ({ publisher, outcomes, queue }) => {
    publisher.publish(messageTo(queue));
    await outcomes.until(1);
    proxy.stall();
    const from = performance.now();
    const writing = setInterval(() => publisher.publish(messageTo(queue)), 50);
    const error = await outcomes.failure;
    clearInterval(writing);
    assert.equal(error.kind, "BrokerUnreachable");
    assert.match(error.message, /nothing received for 2 s/);
    const elapsed = performance.now() - from;
    assert.ok(elapsed > 1_900 && elapsed < 3_500, `noticed after ${elapsed} ms`);
  });
  await proxy.stop();
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("an idle connection lives on by heartbeats alone", async () => {
  await withSession(optionsFor(rabbitmq.url, { heartbeat: 1 }), async ({ publisher, outcomes, queue }) => {
    // Time itself is what is tested: longer than the broker and the watchdog would wait.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    publisher.publish(messageTo(queue));
    await outcomes.until(1);
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("connect() gives up on a broker that answers nothing when it is told to", async () => {
  await rabbitmq.freeze();
  try {
    const broker = new RabbitMQBroker(optionsFor(rabbitmq.url), new Observed());
    const stop = new AbortController();
    const connecting = broker.connect(new Outcomes(), stop.signal);
    setTimeout(() => stop.abort(), 100);
    await assert.rejects(connecting, { name: "AgentError", kind: "BrokerUnreachable" });
  } finally {
    await rabbitmq.thaw();
  }
});

Deno.test("close() of a connection to a frozen broker takes a second, not longer", async () => {
  const options = optionsFor(rabbitmq.url);
  const broker = new RabbitMQBroker(options, new Observed());
  const outcomes = new Outcomes();
  const publisher = await broker.connect(outcomes, new AbortController().signal);
  await rabbitmq.freeze();
  try {
    const from = performance.now();
    await publisher.close();
    const elapsed = performance.now() - from;
    assert.ok(elapsed > 900 && elapsed < 2_000, `closed after ${elapsed} ms`);
    assert.equal(outcomes.failures, 0);
  } finally {
    await rabbitmq.thaw();
  }
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("blocked is pending during a memory alarm, and publishing goes on after it", async () => {
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, observed, queue }) => {
    assert.equal(publisher.blocked, undefined);
    await rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1");
    const blocked = observed.nextBlocked();
    publisher.publish(messageTo(queue)); // a connection is blocked when it publishes
    await blocked;
    const waiting = publisher.blocked;
    assert.ok(waiting);
    await rabbitmq.ctl("set_vm_memory_high_watermark", "0.9");
    await waiting;
    assert.equal(publisher.blocked, undefined);
    publisher.publish(messageTo(queue));
    await outcomes.until(2);
    assert.deepEqual(observed.blockedChanges, [true, false]);
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("blocked settles when the connection is lost meanwhile", async () => {
  const proxy = await Proxy.start(rabbitmq.url);
  const options = optionsFor(proxy.url);
  await withSession(options, async ({ publisher, outcomes, observed, queue }) => {
    await rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1");
    const blocked = observed.nextBlocked();
    publisher.publish(messageTo(queue));
    await blocked;
    const waiting = publisher.blocked;
    proxy.cut();
    await waiting;
    assert.equal((await outcomes.failure).kind, "BrokerUnreachable");
    assert.equal(publisher.blocked, undefined);
    assert.deepEqual(observed.blockedChanges, [true, false]);
  });
  await rabbitmq.ctl("set_vm_memory_high_watermark", "0.9");
  await proxy.stop();
  await deleteQueues(rabbitmq.url, options.queue ?? "");
});

Deno.test("a message larger than the broker takes is MessageTooLarge", async () => {
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    publisher.publish(messageTo(queue, "a".repeat(200_001)));
    const error = await outcomes.failure;
    // It is tried again: then the message is told before it is sent (rabbitmq_unpublishable_test.ts).
    assert.equal(error.kind, "BrokerNacked");
    assert.match(error.message, /at most 200000 bytes/);
    await deleteQueues(rabbitmq.url, queue);
  });
});

Deno.test("a lock that the broker takes away ends the session at once", async () => {
  const options = optionsFor(rabbitmq.url);
  const name = uniqueName();
  await withSession(options, async ({ publisher, outcomes, queue }) => {
    assert.equal(await publisher.lock(name), true);
    await rabbitmq.ctl(
      "eval",
      `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"${name}">>)),
       rabbit_amqqueue:delete(Q, false, false, <<"test">>).`,
    );
    const error = await outcomes.failure;
    assert.equal(error.kind, "BrokerUnreachable");
    assert.match(error.message, new RegExp(`Lost the lock "${name}"`));
    publisher.publish(messageTo(queue));
    await nextTurn();
    assert.equal(outcomes.failures, 1);
  });
  await withClient(rabbitmq.url, async (client) => {
    const { messageCount } = await (await client.channel()).queueDelete(options.queue);
    assert.equal(messageCount, 0);
  });
});

Deno.test("a user without permission is BrokerDenied: to declare, to lock, and to publish", async () => {
  await rabbitmq.ctl("add_user", "weak", "secret-of-weak");
  await rabbitmq.ctl("set_permissions", "weak", "^$", "^$", ".*");
  const url = rabbitmq.url.replace("guest:guest", "weak:secret-of-weak");
  const broker = new RabbitMQBroker(optionsFor(url), new Observed());
  await assert.rejects(broker.connect(new Outcomes(), new AbortController().signal), {
    kind: "BrokerDenied",
    message: /Cannot declare queue .*ACCESS_REFUSED/,
  });
  const queue = uniqueName();
  await withSession(optionsFor(rabbitmq.url, { queue }), () => Promise.resolve());
  await withSession(optionsFor(url, { queue }), async ({ publisher, outcomes }) => {
    await assert.rejects(publisher.lock(uniqueName()), { kind: "BrokerDenied", hint: /--lock none/ });
    publisher.publish(messageTo(queue));
    const error = await outcomes.failure;
    assert.equal(error.kind, "BrokerDenied");
    assert.doesNotMatch(Deno.inspect(error), /secret-of-weak/);
  });
  await deleteQueues(rabbitmq.url, queue);
});

Deno.test("a login refused, a missing virtual host and one without access are BrokerDenied", async () => {
  await rabbitmq.ctl("add_vhost", "other");
  await rabbitmq.ctl("add_user", "stranger", "secret");
  const attempts = [
    [rabbitmq.url.replace("guest:guest", "guest:wrong-password"), /ACCESS_REFUSED - Login was refused/],
    [`${rabbitmq.url}/missing`, /vhost missing not found/],
    [`${rabbitmq.url.replace("guest:guest", "stranger:secret")}/other`, /access to vhost 'other' refused/],
  ] as const;
  for (const [url, message] of attempts) {
    const broker = new RabbitMQBroker(optionsFor(url), new Observed());
    await assert.rejects(broker.connect(new Outcomes(), new AbortController().signal), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(Deno.inspect(error), /wrong-password/);
      return (error as { kind?: string }).kind === "BrokerDenied";
    });
  }
});

Deno.test("connect() goes on to a node that answers, and says what stops it rather than what is down", async () => {
  const down = "amqp://guest:guest@127.0.0.1:1";
  for (let attempt = 1; attempt <= 5; attempt++) {
    const options = optionsFor(`${down},${rabbitmq.url},${down}`);
    await withSession(options, ({ publisher }) => {
      assert.equal(publisher.address, new URL(rabbitmq.url).host);
      return Promise.resolve();
    });
    await deleteQueues(rabbitmq.url, options.queue ?? "");
    const denied = rabbitmq.url.replace("guest:guest", "guest:wrong");
    const broker = new RabbitMQBroker(optionsFor(`${down},${denied}`), new Observed());
    await assert.rejects(broker.connect(new Outcomes(), new AbortController().signal), {
      kind: "BrokerDenied",
    });
  }
});

const ownProcess = { sanitizeOps: false, sanitizeResources: false }; // the broker becomes another process
Deno.test("a broker that shuts down is BrokerUnreachable", ownProcess, async () => {
  await withSession(optionsFor(rabbitmq.url), async ({ publisher, outcomes, queue }) => {
    const restarting = rabbitmq.restart();
    const error = await outcomes.failure;
    assert.equal(error.kind, "BrokerUnreachable");
    assert.match(error.message, /CONNECTION_FORCED|Socket closed|ECONNRESET/);
    publisher.publish(messageTo(queue));
    await restarting;
    assert.equal(outcomes.failures, 1);
    await deleteQueues(rabbitmq.url, queue);
  });
});
