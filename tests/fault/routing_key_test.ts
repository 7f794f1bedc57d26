import assert from "node:assert/strict";
import type { AgentOptions } from "../support/agent_process.ts";
import { DeadLetterBox } from "./dead_letter_box.ts";
import { Trial } from "./trial.ts";

/** Keys below 1000 make routing keys of 255 bytes at most; that of key 1000 has 256. */
const ROWS = 1001;
const TEMPLATE = `${"x".repeat(250)}{key}`;
const LONG = "key 1000, version 0";

async function start(): Promise<Trial & { readonly options: (...args: string[]) => Partial<AgentOptions> }> {
  const trial = await Trial.start({ rows: ROWS, keys: ROWS - 1 });
  await trial.witness.onChannel((channel) => channel.queueBind(trial.name, "amq.topic", "#"));
  const options = (...args: string[]) => ({
    args: ["--exchange", "amq.topic", "--routing-key", TEMPLATE, ...args],
    env: { AMQP_QUEUE: "" },
  });
  return Object.assign(trial, { options });
}

Deno.test("a routing key over 255 bytes stops the agent, which says whose it is", async () => {
  await using trial = await start();
  await using agent = await trial.agent(trial.options());
  const { message, hint } = await trial.stopped(agent, "MessageTooLarge");
  assert.match(message, new RegExp(`key "\\[1000\\]" of table "${trial.name}".* 256 bytes.*255`));
  assert.match(hint ?? "", /--routing-key/);
  const { unexpected, misordered, stale } = await trial.verdict();
  assert.deepEqual({ unexpected, misordered, stale: stale.length }, {
    unexpected: [],
    misordered: [],
    stale: 1,
  });
});

Deno.test("with --on-unpublishable skip a routing key over 255 bytes costs its message only", async () => {
  await using trial = await start();
  await using agent = await trial.running(trial.options("--on-unpublishable", "skip"));
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.metric("rabbitmq_messages_unpublishable_total"), 1);
  const { reason } = await agent.said(({ message }) => message === "Skipped a change");
  assert.match(String(reason), /routing key has 256 bytes/);
  assert.equal(await agent.stop(), 0);
  const { missing, misordered, repeated } = await trial.verdict();
  assert.deepEqual({ missing, misordered, repeated }, { missing: [LONG], misordered: [], repeated: 0 });
});

Deno.test("with --on-unpublishable dead-letter a routing key over 255 bytes leads to the dead-letter queue", async () => {
  await using trial = await start();
  await using box = await DeadLetterBox.start(trial.rabbitmq.url);
  const letters = ["--on-unpublishable", "dead-letter", "--dead-letter-queue", box.queue];
  await using agent = await trial.running(trial.options(...letters));
  await trial.settle();
  const [letter, ...others] = await box.letters();
  const headers = letter?.headers ?? {};
  assert.deepEqual([headers["table"], headers["key"], others.length], [trial.name, "[1000]", 0]);
  assert.match(String(headers["reason"]), /routing key has 256 bytes/);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual((await trial.verdict()).missing, [LONG]);
});
