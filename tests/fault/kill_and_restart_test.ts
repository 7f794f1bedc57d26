import assert from "node:assert/strict";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

const ROWS = 100_000;
const CHANGES = 10_000;

Deno.test("a scan of 100,000 rows and 10,000 changes survive three SIGKILLs and a restart of RabbitMQ", async () => {
  await using trial = await Trial.start({ rows: ROWS, rabbitmq: { own: true } });
  {
    await using agent = await trial.agent();
    await agent.reaches("rabbitmq_messages_sent", ROWS / 4);
    trial.change({ changes: CHANGES / 2, rate: 800 });
    await trial.kill(agent);
  }
  {
    await using agent = await trial.agent();
    await agent.said(({ message }) => message === "The initial scan is confirmed", 60_000);
    await trial.workload.reaches(CHANGES / 4);
    await trial.kill(agent);
  }
  const killed = Date.now() / 1000;
  {
    await using agent = await trial.agent();
    // What the kill repeats has all arrived, and is not counted as the restart's.
    await agent.reaches("changefeed_cursor_timestamp_seconds", killed, 60_000);
    await trial.workload.ended; // else on a slow machine nothing might be left for the restart
    trial.change({ changes: CHANGES / 2, rate: 800 });
    await trial.witness.note("restart of RabbitMQ");
    await trial.rabbitmq.restart();
    const sent = await agent.metric("rabbitmq_messages_sent");
    await agent.reaches("rabbitmq_messages_sent", sent + 500);
    await trial.kill(agent);
  }
  await using agent = await trial.agent();
  await trial.workload.ended;
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeats } = await trial.sound();
  assert.ok((repeats["restart of RabbitMQ"] ?? 0) <= MAX_IN_FLIGHT, JSON.stringify(repeats));
});
