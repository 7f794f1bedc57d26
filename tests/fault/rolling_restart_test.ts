import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

const RESTARTS = 20;

Deno.test("twenty rolling restarts under load lose nothing and repeat nothing", async () => {
  await using trial = await Trial.start();
  let active = await trial.running();
  for (let restart = 1; restart <= RESTARTS; restart++) {
    const next = await trial.agent();
    try {
      await next.said(({ message }) => message.includes("standing by"));
      assert.equal(await active.stop(), 0, await active.output());
      await next.reaches("rabbitmq_messages_sent", 1);
    } finally {
      await active[Symbol.asyncDispose]();
      active = next;
    }
  }
  await using last = active;
  await trial.more(300);
  await trial.settle();
  assert.equal(await last.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});

Deno.test("a restart in the middle of the initial scan goes on with what was not sent yet", async () => {
  const rows = 50_000;
  await using trial = await Trial.start({ rows });
  for (let restart = 1; restart <= 2; restart++) {
    await using agent = await trial.agent();
    await agent.reaches("rabbitmq_messages_sent", 1_000);
    assert.equal(await agent.stop(), 0, await agent.output());
    assert.ok(!(await agent.output()).includes("The initial scan is confirmed"));
  }
  await using last = await trial.running();
  await trial.settle();
  assert.equal(await last.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
