import { mayInstallPackages } from "./debian_package.ts";
import { DebianRoot } from "./debian_root.ts";
import { PortMapper } from "./port_mapper.ts";
import { freePort, until } from "./ports.ts";
import { RabbitMQ, wantedVersion } from "./rabbitmq.ts";
import { nodeName } from "./rabbitmq_node.ts";
import { installedRabbitMQ } from "./rabbitmq_programs.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** What RabbitMQ does about a partition, as `cluster_partition_handling` names it. */
export type PartitionHandling = "ignore" | "pause_minority" | "autoheal";

const SIZE = 3;
/** RabbitMQ's own is 60 s. */
const TICK_TIME = 4;

/** The way from one node to another. */
interface Way {
  readonly from: RabbitMQ;
  readonly to: RabbitMQ;
  readonly proxy: TcpProxy;
}

/** Three nodes on this machine, each way between two of them through a proxy. */
export class RabbitMQCluster {
  /** The nodes. */
  readonly nodes: readonly RabbitMQ[];
  readonly #ways: readonly Way[];
  readonly #mappers: readonly PortMapper[];

  private constructor(nodes: readonly RabbitMQ[], ways: readonly Way[], mappers: readonly PortMapper[]) {
    this.nodes = nodes;
    this.#ways = ways;
    this.#mappers = mappers;
  }

  /** Whether it can be had: of Docker's nodes none can be cut off. */
  static async isToBeHad(): Promise<boolean> {
    const wanted = wantedVersion();
    if (await installedRabbitMQ(wanted) !== undefined) return true;
    return wanted === 4 ? await DebianRoot.isToBeHad() : await mayInstallPackages();
  }

  /** Starts the nodes; resolves when each knows the two others. */
  static async start(partitionHandling: PartitionHandling = "pause_minority"): Promise<RabbitMQCluster> {
    const cookie = crypto.randomUUID();
    const registrations = new Map();
    const seats = await Promise.all(Array.from({ length: SIZE }, async () => {
      const distributionPort = freePort();
      return { port: freePort(), distributionPort, portMapper: await PortMapper.start(registrations) };
    }));
    const ways = await Promise.all(
      seats.flatMap((from) =>
        seats.filter((to) => to !== from).map(async (to) => {
          const proxy = await TcpProxy.start(`tcp://127.0.0.1:${to.distributionPort}`);
          const [name = ""] = nodeName(to.port).split("@");
          from.portMapper.lead(name, proxy.port);
          return { from, to, proxy };
        })
      ),
    );
    const discovery = seats.map(({ port }, index) =>
      `cluster_formation.classic_config.nodes.${index + 1} = ${nodeName(port)}\n`
    );
    const config = "cluster_formation.peer_discovery_backend = classic_config\n" + discovery.join("") +
      `cluster_partition_handling = ${partitionHandling}\n`;
    const nodes = await Promise.all(seats.map(({ port, ...seat }) => {
      const member = { cookie, tickTime: TICK_TIME, ...seat };
      return RabbitMQ.start({ own: true, port, config, member });
    }));
    const nodeOf = (seat: typeof seats[number]) => nodes[seats.indexOf(seat)]!;
    const cluster = new RabbitMQCluster(
      nodes,
      ways.map(({ from, to, proxy }) => ({ from: nodeOf(from), to: nodeOf(to), proxy })),
      seats.map(({ portMapper }) => portMapper),
    );
    await Promise.all(nodes.map((node) => cluster.#sees(node, SIZE)));
    return cluster;
  }

  /** All addresses, as AMQP_ADDR has them. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(",");
  }

  /** The other nodes. */
  others(node: RabbitMQ): RabbitMQ[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** The node at an address, as the agent's log has it. */
  at(address: unknown): RabbitMQ {
    const node = this.nodes.find(({ url }) => new URL(url).host === address);
    if (node === undefined) throw new Error(`no node at ${address}`);
    return node;
  }

  /** The node that leads a quorum queue, as this node knows it. */
  async leader(queue: string, asked: RabbitMQ = this.nodes[0]!): Promise<RabbitMQ> {
    const found = await asked.ctl("eval", `ra_leaderboard:lookup_leader('%2F_${queue}').`);
    const node = this.nodes.find(({ url }) => found.includes(nodeName(Number(new URL(url).port))));
    if (node === undefined) throw new Error(`queue ${queue} is led by ${found}`);
    return node;
  }

  /** From now on nothing passes between this node and the others, and none is told. Clients are not concerned. */
  isolate(node: RabbitMQ): void {
    for (const { from, to, proxy } of this.#ways) if (from === node || to === node) proxy.blackhole();
  }

  /** Ends {@linkcode isolate}. */
  heal(): void {
    for (const { proxy } of this.#ways) proxy.heal();
  }

  /** Resolves when this node takes so many nodes, itself included, for running. */
  async #sees(node: RabbitMQ, count: number, deadline = 60_000): Promise<void> {
    await until(`${count} nodes`, deadline, async () => {
      const running = await node.ctl("eval", "length(rabbit_mnesia:cluster_nodes(running)).");
      return Number(running) === count ? true : undefined;
    });
  }

  /** Resolves when every node takes all others for running. */
  async whole(deadline = 60_000): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.#sees(node, SIZE, deadline)));
  }

  /** Resolves when this node takes another one for down. */
  async hasLost(node: RabbitMQ, deadline = 60_000): Promise<void> {
    await this.#sees(node, SIZE - 1, deadline);
  }

  /** Takes everything down. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.#ways.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
    await Promise.all(this.#mappers.map((mapper) => mapper[Symbol.asyncDispose]()));
  }
}
