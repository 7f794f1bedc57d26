import { Cluster } from "./cluster.ts";
import { Node } from "./node.ts";
import type { TlsOptions } from "./tls_end.ts";
import { DEFAULT_VERSION, versionProfile } from "./version.ts";

/** How to start a simulator. */
export interface SimulatorOptions {
  /** Of the first node; a free one by default. */
  readonly port?: number;
  /** `v21.2` and `v22.1` as recorded, or `v23.1.14`, say; by default that of the first recordings. */
  readonly version?: string;
}

/** How a node is to be. */
export interface NodeOptions {
  /** A free one by default. */
  readonly port?: number;
  /** Without it the node speaks no TLS. */
  readonly tls?: TlsOptions;
  /** By default that of the first node. */
  readonly version?: string;
}

/** A simulated CockroachDB cluster in this process. One takes about 700 MB. */
export class Simulator {
  /** What the nodes share: settings, users, faults, generated tables. */
  readonly cluster: Cluster;
  /** The nodes by port. */
  readonly nodes = new Map<number, Node>();
  /** Where the first node listens: `postgresql://root@127.0.0.1:PORT/defaultdb?sslmode=disable`. */
  readonly url: string;

  private constructor(cluster: Cluster, port: number) {
    this.cluster = cluster;
    this.url = this.addNode({ port }).url;
  }

  /** Starts a cluster of one node. */
  static async start({ port = 0, version = DEFAULT_VERSION }: SimulatorOptions = {}): Promise<Simulator> {
    return new Simulator(await Cluster.start(version), port);
  }

  /** One more node of the same cluster, which may be of another version than the first. */
  addNode({ port = 0, tls, version }: NodeOptions = {}): { readonly port: number; readonly url: string } {
    const cluster = version === undefined ? this.cluster : this.cluster.as(versionProfile(version));
    const node = new Node(cluster, port, tls);
    this.nodes.set(node.port, node);
    return { port: node.port, url: urlOf(node.port) };
  }

  /** The first node, or the one on that port. */
  node(port?: number): Node {
    const node = port === undefined ? this.nodes.values().next().value : this.nodes.get(port);
    if (node === undefined) throw new Error(`the simulator has no node on port ${port}`);
    return node;
  }

  /** Takes a node away for good. */
  async removeNode(port: number): Promise<void> {
    await this.node(port).remove();
    this.nodes.delete(port);
  }

  /** Ends all connections and the cluster. */
  async stop(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.remove()));
    await this.cluster.stop();
  }
}

/** The address of a node. */
export function urlOf(port: number): string {
  return `postgresql://root@127.0.0.1:${port}/defaultdb?sslmode=disable`;
}
