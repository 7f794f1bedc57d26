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
