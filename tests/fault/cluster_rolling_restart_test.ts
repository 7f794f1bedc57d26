import assert from "node:assert/strict";
import { clusterTest, ClusterTrial } from "./cluster_trial.ts";
import { MAX_IN_FLIGHT } from "./trial.ts";

clusterTest(
  "a rolling restart of the cluster under load costs repeats of what was in flight, and nothing else",
  async () => {
    await using trial = await ClusterTrial.start();
    await using agent = await trial.publishing("agent");
    for (const [index, node] of trial.cluster.nodes.entries()) {
      await trial.note(`restart ${index + 1}`);
      await node.restart();
      await trial.cluster.whole();
      await trial.confirms(agent, 500);
    }
    await trial.settle();
    assert.equal(await agent.stop(), 0);
    const { repeats } = await trial.sound();
    // The agent may flee to a node that is restarted next while its queue is still electing.
    assert.ok(Object.values(repeats).every((count) => count <= 2 * MAX_IN_FLIGHT), JSON.stringify(repeats));
  },
);
