import assert from "node:assert/strict";
import { FAST_TIME, Trial } from "./trial.ts";

Deno.test("a changefeed that falls silent is opened anew and repeats nothing", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using agent = await trial.running(FAST_TIME);
  const stall = await trial.cockroach.simulator.inject({ kind: "stall" });
  const { message } = await agent.said(({ kind }) => kind === "SourceSilent");
  assert.match(message, /sent neither a row nor a resolved timestamp for 30 s/);
  await stall.lift();
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.metric("changefeed_restarts_total"), 1);
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});

Deno.test("a CockroachDB that neither answers nor closes its connections is noticed, and repeats nothing", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  await using agent = await trial.running(FAST_TIME);
  const frozen = await trial.cockroach.simulator.inject({
    kind: "freeze",
    application: "crdb-changefeed-publisher",
  });
  await agent.said(({ kind }) => kind === "SourceSilent");
  await agent.said(({ kind }) => kind === "CursorStoreUnavailable");
  await frozen.lift();
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
