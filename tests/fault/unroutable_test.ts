import assert from "node:assert/strict";
import { DeadLetterBox } from "./dead_letter_box.ts";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

Deno.test("messages that the exchange routes nowhere are returned, stop the agent, and are sent again", async () => {
  await using trial = await Trial.start();
  const exchange = `${trial.name}-exchange`;
  const routing = ["--exchange", exchange, "--routing-key", "changes.{table}"];
  await trial.witness.onChannel(async (channel) => {
    await channel.exchangeDeclare(exchange, "topic", { durable: true });
    await channel.queueBind(trial.name, exchange, "changes.*");
  });
  {
    await using agent = await trial.running({ args: routing, env: { AMQP_QUEUE: "" } });
    await trial.witness.note("unbound");
    await trial.witness.onChannel((channel) => channel.queueUnbind(trial.name, exchange, "changes.*"));
    const { hint } = await trial.stopped(agent, "Unroutable");
    assert.match(hint ?? "", /bind a queue/);
  }
  await trial.more(300);
  await trial.witness.onChannel((channel) => channel.queueBind(trial.name, exchange, "changes.*"));
  await using agent = await trial.agent({ args: routing, env: { AMQP_QUEUE: "" } });
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= MAX_IN_FLIGHT, `${repeated} repeated`);
  await trial.witness.onChannel((channel) => channel.exchangeDelete(exchange));
});

/** An exchange that takes what happens to rows, but for their deletion. */
async function withoutDeletes(trial: Trial): Promise<AsyncDisposable & { readonly args: readonly string[] }> {
  const exchange = `${trial.name}-exchange`;
  await trial.witness.onChannel(async (channel) => {
    await channel.exchangeDeclare(exchange, "direct", { durable: true });
    for (const key of ["read", "upsert"]) await channel.queueBind(trial.name, exchange, key);
  });
  return {
    args: ["--exchange", exchange, "--routing-key", "{op}"],
    [Symbol.asyncDispose]: () => trial.witness.onChannel((channel) => channel.exchangeDelete(exchange)),
  };
}

/** Everything but deletions came, in order, and once; says how many did not come. */
async function withoutThem(trial: Trial): Promise<number> {
  const { missing, unexpected, misordered, ahead, repeated } = await trial.verdict();
  assert.deepEqual({ unexpected, misordered, ahead, repeated }, {
    unexpected: [],
    misordered: [],
    ahead: [],
    repeated: 0,
  });
  assert.ok(missing.length > 0 && missing.every((what) => what.endsWith("version null")));
  return missing.length;
}

Deno.test("with --on-unpublishable skip messages that are routed nowhere are named, and all others come", async () => {
  await using trial = await Trial.start();
  await using exchange = await withoutDeletes(trial);
  const args = [...exchange.args, "--on-unpublishable", "skip"];
  await using agent = await trial.running({ args, env: { AMQP_QUEUE: "" } }, { rate: 300 });
  await trial.more(300);
  await trial.settle();
  const skipped = await agent.metric("rabbitmq_messages_unpublishable_total");
  const named = (await agent.log()).filter(({ message }) => message === "Skipped a change");
  assert.equal(new Set(named.map(({ messageId }) => messageId)).size, skipped);
  assert.equal(await agent.metric("changefeed_restarts_total"), 0);
  assert.equal(await agent.stop(), 0);
  assert.equal(await withoutThem(trial), skipped);
});

Deno.test("with --on-unpublishable dead-letter messages that are routed nowhere come to the dead-letter queue", async () => {
  await using trial = await Trial.start();
  await using exchange = await withoutDeletes(trial);
  await using box = await DeadLetterBox.start(trial.rabbitmq.url);
  const args = [...exchange.args, "--on-unpublishable", "dead-letter", "--dead-letter-queue", box.queue];
  await using agent = await trial.running({ args, env: { AMQP_QUEUE: "" } }, { rate: 300 });
  await trial.more(300);
  await trial.settle();
  const letters = await box.letters();
  for (const { headers, body } of letters) {
    assert.match(String(headers["reason"]), /No queue is bound to exchange/);
    assert.equal(headers["routing-key"], "delete");
    assert.equal(JSON.parse(body).value.after, null);
  }
  assert.equal(await agent.stop(), 0);
  assert.equal(await withoutThem(trial), letters.length);
});
