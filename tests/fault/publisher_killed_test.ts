import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("an agent that is killed again and again repeats at most what it sent since the stored cursor", async () => {
  await using trial = await Trial.start();
  const first = await trial.running();
  await trial.kill(first);
  await first[Symbol.asyncDispose]();
  for (let kill = 1; kill <= 5; kill++) {
    await using agent = await trial.agent();
    await agent.reaches("rabbitmq_messages_sent", kill * 100);
    await trial.kill(agent);
  }
  await using agent = await trial.agent();
  await trial.more(300);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  await trial.sound(); // no repeat is at or below the cursor stored when its agent was killed
});
