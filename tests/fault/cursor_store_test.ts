import assert from "node:assert/strict";
import { until } from "../support/ports.ts";
import { Trial } from "./trial.ts";

const application = "crdb-changefeed-publisher";
const match = "UPDATE cursor_store";

Deno.test("publishing goes on while the cursor cannot be stored, and the cursor catches up", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using agent = await trial.running();
  const { simulator } = trial.cockroach;
  const away = await simulator.inject({ kind: "statement", application, match, effect: "drop-before" });
  const { kind } = await agent.said(({ message }) => message.startsWith("The cursor waits"));
  assert.equal(kind, "CursorStoreUnavailable");
  const cursor = await trial.cursor();
  await agent.reaches("rabbitmq_messages_sent", await agent.metric("rabbitmq_messages_sent") + 1000);
  assert.equal(await trial.cursor(), cursor);
  assert.equal(await agent.metric("changefeed_restarts_total"), 0);
  await away.lift();
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});

Deno.test("serialization conflicts and lost answers of the cursor store are tried again", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using agent = await trial.running();
  const { simulator } = trial.cockroach;
  const message = "restart transaction: TransactionRetryWithProtoRefreshError";
  const conflict = { kind: "statement", application, match, code: "40001", message, times: 2 } as const;
  await simulator.inject({ ...conflict, effect: "before" });
  await simulator.inject({ kind: "statement", application, match, effect: "drop-after", times: 1 });
  await simulator.inject({ ...conflict, code: "40003", message: "result is ambiguous", effect: "after" });
  const node = Number(new URL(trial.cockroach.url).port);
  await until("the last fault", 20_000, async () => {
    const left = (await simulator.call("listFaults", {})).filter(({ fault }) => fault.node === node);
    return left.length === 0 ? true : undefined; // a fault is gone once it is used up
  });
  await trial.settle();
  assert.equal(await agent.metric("changefeed_restarts_total"), 0);
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
