import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

const simulated = { cockroach: { simulator: true } };

Deno.test("an unknown error in the stream is tried again and repeats nothing", async () => {
  await using trial = await Trial.start(simulated);
  await using agent = await trial.running();
  for (let failed = 1; failed <= 5; failed++) {
    await trial.cockroach.simulator.inject({ kind: "fail", code: "XXUUU", message: "boom", afterRows: 37 });
    await agent.reaches("changefeed_restarts_total", failed);
    await agent.reaches("rabbitmq_messages_sent", await agent.metric("rabbitmq_messages_sent") + 200);
  }
  const { kind, message } = await agent.said(({ level }) => level === "warn");
  assert.equal(kind, "Unknown");
  assert.match(message, /boom/);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});

Deno.test("rows that CockroachDB sends twice, and keys that go back, repeat nothing", async () => {
  await using trial = await Trial.start(simulated);
  await using agent = await trial.running();
  const { simulator } = trial.cockroach;
  const twice = await simulator.inject({ kind: "repeat" });
  await trial.more(300);
  await twice.lift();
  await simulator.inject({ kind: "rewind", share: 0.5, times: 5 });
  await trial.more(1000);
  await trial.settle();
  assert.ok(await agent.metric("changefeed_duplicates_dropped_total") > 300);
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
