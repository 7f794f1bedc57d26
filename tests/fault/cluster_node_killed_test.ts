import assert from "node:assert/strict";
import { clusterTest, ClusterTrial } from "./cluster_trial.ts";
import { MAX_IN_FLIGHT } from "./trial.ts";

const KILLS = 3;

clusterTest(
  "the node of the connection is killed, again and again: the agent goes on at another one",
  async () => {
    await using trial = await ClusterTrial.start();
    await using agent = await trial.publishing("agent");
    for (let kill = 1; kill <= KILLS; kill++) {
      const node = await trial.nodeOf(agent);
      await trial.note(`kill ${kill}`);
      await node.kill();
      await trial.confirms(agent, 500);
      assert.notEqual(await trial.nodeOf(agent), node);
      await node.restart();
      await trial.cluster.whole();
    }
    await trial.settle();
    assert.equal(await agent.stop(), 0);
    const { repeats } = await trial.sound();
    assert.ok(Object.values(repeats).every((count) => count <= MAX_IN_FLIGHT), JSON.stringify(repeats));
  },
);
