import assert from "node:assert/strict";
import type { AgentProcess } from "../support/agent_process.ts";
import { DeadLetterBox } from "./dead_letter_box.ts";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

const LIMIT = 100_000;
const rabbitmq = { own: true, config: `max_message_size = ${LIMIT}\n` };
const HINT = /max_message_size.*--routing-key.*--on-unpublishable/;

/** A trial with one row, of key 300, that the workload leaves alone. */
function start(): Promise<Trial> {
  return Trial.start({ rows: 301, keys: 300, rabbitmq });
}

/** Everything came but the first version of the row that is too large, or of none. */
async function allBut(trial: Trial, missing: readonly string[]): Promise<void> {
  const verdict = await trial.verdict();
  const { unexpected, misordered, ahead, belowCursor, repeated } = verdict;
  assert.deepEqual(
    { missing: verdict.missing, unexpected, misordered, ahead, belowCursor },
    { missing, unexpected: [], misordered: [], ahead: [], belowCursor: [] },
  );
  assert.ok(repeated <= 2 * MAX_IN_FLIGHT, `${repeated} repeated`); // it is known only once the broker refused it
}

async function passedOver(agent: AgentProcess, action: "skip" | "dead-letter"): Promise<string> {
  const text = await (await agent.get("/metrics")).text();
  assert.match(
    text,
    new RegExp(`^rabbitmq_messages_unpublishable_total\\{[^}]*action="${action}"\\} 1$`, "m"),
  );
  const said = action === "skip" ? "Skipped a change" : "Sent a change to the dead-letter queue";
  const { messageId, reason } = await agent.said(({ message }) => message === said);
  assert.match(String(reason), new RegExp(`its body has \\d{6} bytes, and RabbitMQ takes at most ${LIMIT}`));
  return String(messageId);
}

Deno.test("a message over the broker's limit stops the agent; with a higher limit it and all others come", async () => {
  await using trial = await start();
  {
    await using agent = await trial.running();
    await trial.witness.note("too large");
    await trial.write(300, 1, LIMIT);
    const { message, hint } = await trial.stopped(agent, "MessageTooLarge");
    assert.match(message, new RegExp(`key "\\[300\\]" of table "${trial.name}".*\\d{6} bytes.*${LIMIT}`));
    assert.match(hint ?? "", HINT);
  }
  {
    await using agent = await trial.agent();
    await trial.stopped(agent, "MessageTooLarge"); // it is not skipped
  }
  await trial.rabbitmq.limitMessages(2 * LIMIT);
  await using agent = await trial.agent();
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  await allBut(trial, []);
});

Deno.test("with --on-unpublishable skip the agent says which message was too large, and goes on", async () => {
  await using trial = await start();
  await using agent = await trial.running({ args: ["--on-unpublishable", "skip"] });
  await trial.witness.note("too large");
  await trial.write(300, 1, LIMIT);
  await trial.settle(); // the cursor moves past it
  assert.match(await passedOver(agent, "skip"), /^\d{19}(\.\d+)?-[\w-]{16}$/);
  assert.equal(await agent.stop(), 0);
  await allBut(trial, ["key 300, version 1"]);
});

Deno.test("with --on-unpublishable dead-letter the cursor waits until the dead-letter queue has the row", async () => {
  await using trial = await start();
  await using box = await DeadLetterBox.full(trial.rabbitmq.url);
  const args = ["--on-unpublishable", "dead-letter", "--dead-letter-queue", box.queue];
  await using agent = await trial.running({ args });
  await trial.witness.note("too large");
  await trial.write(300, 1, LIMIT);
  const [{ now } = {}] = await trial.cockroach.sql("SELECT cluster_logical_timestamp()::STRING AS now");
  await agent.said(({ message }) => message.includes(`dead-letter queue "${box.queue}"`));
  await agent.reaches("changefeed_restarts_total", 4);
  assert.ok(Number(await trial.cursor()) < Number(now), "the cursor is past a row that is nowhere");
  await box.empty();
  await trial.settle();
  const letter = (await box.letters()).at(-1)!;
  assert.equal(letter.messageId, await passedOver(agent, "dead-letter"));
  const { table, key, reason, size } = letter.headers;
  assert.deepEqual([table, key], [trial.name, "[300]"]);
  assert.match(String(reason), new RegExp(`RabbitMQ takes at most ${LIMIT}`));
  assert.ok(Number(size) > LIMIT);
  assert.equal(await agent.stop(), 0);
  await allBut(trial, ["key 300, version 1"]);
});
