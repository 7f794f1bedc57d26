import assert from "node:assert/strict";
import { Trial } from "./trial.ts";

Deno.test("with several addresses of CockroachDB the feed goes on at a node that is up, and repeats nothing", async () => {
  await using trial = await Trial.start({ cockroach: { simulator: true } });
  const { url, simulator } = trial.cockroach;
  const other = new URL(url);
  other.port = String((await simulator.addNode()).port);
  const both = url.replace(/(127\.0\.0\.1:\d+)/, `$1,${other.host}`);
  await using agent = await trial.running({ env: { DATABASE_URL: both } }, { url: other.href });
  for (let failover = 1; failover <= 3; failover++) {
    await trial.cockroach.kill();
    await trial.more(300);
    await trial.cockroach.restart();
    await trial.more(300);
  }
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  assert.equal((await trial.sound()).repeated, 0);
  await simulator.call("removeNode", { port: Number(other.port) });
});
