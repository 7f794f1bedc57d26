import type { AgentProcess } from "../support/agent_process.ts";
import type { Verdict } from "../support/checker.ts";
import type { RabbitMQ } from "../support/rabbitmq.ts";
import { type PartitionHandling, RabbitMQCluster } from "../support/rabbitmq_cluster.ts";
import { say } from "../support/terminal.ts";
import { Trial } from "./trial.ts";
import { PUBLISHER } from "./witness.ts";

const isToBeHad = await RabbitMQCluster.isToBeHad();
if (!isToBeHad) {
  say("cluster: there is no RabbitMQ here that three nodes could be made of: they are not tried");
}

/** A test that needs a cluster; left out where there cannot be one. */
export function clusterTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isToBeHad, fn });
}

/** Agents that know every address of a cluster of three, whose queue each node has, while the table changes. */
export class ClusterTrial implements AsyncDisposable {
  /** The nodes. */
  readonly cluster: RabbitMQCluster;
  readonly #trial: Trial;

  private constructor(cluster: RabbitMQCluster, trial: Trial) {
    this.cluster = cluster;
    this.#trial = trial;
  }

  /** Starts cluster, table and queue. */
  static async start(partitionHandling?: PartitionHandling): Promise<ClusterTrial> {
    const cluster = await RabbitMQCluster.start(partitionHandling);
    return new ClusterTrial(cluster, await Trial.start({ cluster }));
  }

  /** Starts the agent that publishes, under this name, and the changes. */
  publishing(name: string): Promise<AgentProcess> {
    return this.#trial.running({ args: ["--header", `${PUBLISHER}=${name}`] });
  }

  /** Starts another one, which connects to any but this node; resolves when it stands by. */
  async standby(name: string, node: RabbitMQ): Promise<AgentProcess> {
    const agent = await this.#trial.agent({
      args: ["--header", `${PUBLISHER}=${name}`],
      env: { AMQP_ADDR: this.cluster.others(node).map(({ url }) => url).join(",") },
    });
    await agent.said(({ message }) => message.includes("standing by"));
    return agent;
  }

  /** The node that an agent is connected to. */
  async nodeOf(agent: AgentProcess): Promise<RabbitMQ> {
    const line = (await agent.log()).findLast(({ message }) => message === "Connected to the broker");
    return this.cluster.at(line?.["address"]);
  }

  /** The node that leads the queue. */
  leader(): Promise<RabbitMQ> {
    return this.cluster.leader(this.#trial.name);
  }

  /** Resolves when the agent has got so many more confirms. */
  async confirms(agent: AgentProcess, messages: number): Promise<void> {
    const before = await agent.metric("rabbitmq_messages_sent");
    await agent.reaches("rabbitmq_messages_sent", before + messages, 60_000);
  }

  /** What is repeated from here on has this cause. */
  note(cause: string): Promise<void> {
    return this.#trial.witness.note(cause);
  }

  /** Resolves when so many more changes are committed. */
  more(changes: number): Promise<void> {
    return this.#trial.more(changes);
  }

  /** Ends the changes and waits until all of them are confirmed. */
  settle(): Promise<void> {
    return this.#trial.settle();
  }

  /** Nothing is lost, nothing out of order, and who published one after the other. */
  sound(): Promise<Verdict> {
    return this.#trial.sound();
  }

  /** Takes everything down. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#trial[Symbol.asyncDispose]();
  }
}
