import assert from "node:assert/strict";
import type { PartitionHandling } from "../support/rabbitmq_cluster.ts";
import { clusterTest, ClusterTrial } from "./cluster_trial.ts";

/*
 * The cluster cannot tell a node that is cut off from one that is gone, so it gives the lock again (in every mode, RabbitMQ
 * 3.10.8 and 4.0.5), while the publisher at the lost node keeps its own; in the mode `ignore` for ever.
 */
for (const handling of ["ignore", "pause_minority", "autoheal"] as const satisfies PartitionHandling[]) {
  clusterTest(`a feed has one publisher when its node is cut off, and comes back (${handling})`, async () => {
    await using trial = await ClusterTrial.start(handling);
    await using first = await trial.publishing("first");
    const node = await trial.nodeOf(first);
    await using second = await trial.standby("second", node);
    await trial.note("cut off");
    trial.cluster.isolate(node);
    await second.said(({ message }) => message === "Sending what changes", 40_000);
    trial.cluster.heal();
    await trial.more(3000);
    await trial.settle();
    assert.equal(await first.stop(), 0);
    assert.equal(await second.stop(), 0);
    const { publishers } = await trial.sound();
    // The lock may come back with the node, once.
    assert.ok(publishers.length === 2 || publishers.length === 3, publishers.join(" "));
  });
}
