import assert from "node:assert/strict";
import { pause } from "../support/ports.ts";
import { Trial } from "./trial.ts";

const ROWS = 300;
const NACKS = 5;

Deno.test("a queue that stays full and refuses messages costs few publishes and loses nothing", async () => {
  const queueArguments = { "x-max-length": 50, "x-overflow": "reject-publish" };
  await using trial = await Trial.start({ rows: ROWS, queueArguments });
  await using agent = await trial.agent();
  await agent.reaches("changefeed_restarts_total", NACKS);
  assert.equal((await agent.get("/healthz")).status, 200);
  let settled = false;
  const settling = trial.settle().finally(() => settled = true);
  while (!settled) {
    const depth = await trial.witness.depth();
    if (depth > 0) await trial.consume(depth);
    await pause(50);
  }
  await settling;
  const nacked = await agent.metric("rabbitmq_messages_nacked_total");
  assert.ok(nacked >= NACKS);
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(nacked + repeated < ROWS, `${nacked} nacked, ${repeated} repeated`);
});
