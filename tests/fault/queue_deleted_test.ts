import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("a queue that is deleted stops the agent, and what came after is sent once there is one again", async () => {
  await using trial = await Trial.start();
  {
    await using agent = await trial.running();
    await trial.settle();
    await trial.consume();
    await trial.witness.deleteQueue();
    trial.change({ rate: 1000 });
    const { message } = await trial.stopped(agent, "Unroutable");
    assert.match(message, new RegExp(`queue "${trial.name}".*no queue`, "s"));
  }
  await trial.witness.declare();
  await trial.witness.note("a new queue");
  await using agent = await trial.agent();
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
});
