import assert from "node:assert/strict";
import { MAX_IN_FLIGHT, Trial } from "./trial.ts";

const LIMIT = 100_000;

Deno.test("a message over the broker's limit stops the agent; with a higher limit it and all others come", async () => {
  const rabbitmq = { own: true, config: `max_message_size = ${LIMIT}\n` };
  await using trial = await Trial.start({ rows: 301, keys: 300, rabbitmq });
  {
    await using agent = await trial.running();
    await trial.witness.note("too large");
    await trial.write(300, 1, LIMIT);
    const { hint } = await trial.stopped(agent, "MessageTooLarge");
    assert.match(hint ?? "", /max_message_size/);
  }
  {
    await using agent = await trial.agent();
    await trial.stopped(agent, "MessageTooLarge"); // it is not skipped
  }
  await trial.rabbitmq.ctl("eval", `application:set_env(rabbit, max_message_size, ${2 * LIMIT}).`);
  await using agent = await trial.agent();
  await trial.more(100);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeated } = await trial.sound();
  assert.ok(repeated <= 2 * MAX_IN_FLIGHT, `${repeated} repeated`);
});
