import assert from "node:assert/strict";
import { clusterTest, ClusterTrial } from "./cluster_trial.ts";
import { MAX_IN_FLIGHT } from "./trial.ts";

clusterTest("two of three nodes go down and come back: the agent waits, and loses nothing", async () => {
  await using trial = await ClusterTrial.start();
  await using agent = await trial.publishing("agent");
  const [one, other] = trial.cluster.nodes;
  await trial.note("down");
  await Promise.all([one?.kill(), other?.kill()]);
  await agent.reaches("changefeed_restarts_total", 1);
  await Promise.all([one?.restart(), other?.restart()]);
  await trial.cluster.whole();
  await trial.confirms(agent, 500);
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeats } = await trial.sound();
  assert.ok((repeats["down"] ?? 0) <= 2 * MAX_IN_FLIGHT, JSON.stringify(repeats));
});
