import assert from "node:assert/strict";
import { clusterTest, ClusterTrial } from "./cluster_trial.ts";
import { MAX_IN_FLIGHT } from "./trial.ts";

const KILLS = 3;

clusterTest("the leader of a quorum queue is killed, again and again: another one goes on", async () => {
  await using trial = await ClusterTrial.start();
  await using agent = await trial.publishing("agent");
  for (let kill = 1; kill <= KILLS; kill++) {
    const leader = await trial.leader();
    await trial.note(`kill ${kill}`);
    await leader.kill();
    await trial.confirms(agent, 500);
    await leader.restart();
    await trial.cluster.whole();
  }
  await trial.settle();
  assert.equal(await agent.stop(), 0);
  const { repeats } = await trial.sound();
  assert.ok(Object.values(repeats).every((count) => count <= MAX_IN_FLIGHT), JSON.stringify(repeats));
});
