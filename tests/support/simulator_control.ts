import type { CancelRequest, ControlActions, NodeAddress } from "../simulator/control_messages.ts";
import type { Fault } from "../simulator/faults.ts";
import type { GeneratedOptions } from "../simulator/generated_table.ts";
import type { TlsOptions } from "../simulator/tls_end.ts";

/** A fault without its target's node, which is the tests' own. */
export type OwnFault = Fault extends infer Each ? Each extends Fault ? Omit<Each, "node" | "id"> : never
  : never;

/** A fault in force. */
export interface InjectedFault {
  /** Ends it. */
  lift(): Promise<void>;
  /** How often it has hit; 0 too when it is used up. */
  uses(): Promise<number>;
}

/** The control port of a simulator, seen from one node: faults hit this node's clients only. */
export class SimulatorControl {
  readonly #address: string;
  readonly #port: number;
  readonly #version: string | undefined;

  /**
   * @param address `http://127.0.0.1:PORT`
   * @param port of the node
   * @param version of the node, if it is not that of the simulator
   */
  constructor(address: string, port: number, version: string | undefined) {
    this.#address = address;
    this.#port = port;
    this.#version = version;
  }

  /** Sends an action to a control port that nobody has bound to a node yet. */
  static async call<Action extends keyof ControlActions>(
    address: string,
    action: Action,
    request: ControlActions[Action]["request"],
  ): Promise<ControlActions[Action]["answer"]> {
    const response = await fetch(`${address}/${action}`, { method: "POST", body: JSON.stringify(request) });
    const text = await response.text();
    if (!response.ok) throw new Error(`simulator: ${action}: ${text}`);
    return JSON.parse(text) as ControlActions[Action]["answer"];
  }

  /** Sends an action. */
  call<Action extends keyof ControlActions>(
    action: Action,
    request: ControlActions[Action]["request"],
  ): Promise<ControlActions[Action]["answer"]> {
    return SimulatorControl.call(this.#address, action, request);
  }

  /** Puts a fault in force for clients of this node. */
  async inject(fault: OwnFault): Promise<InjectedFault> {
    const { id } = await this.call("addFault", { ...fault, node: this.#port } as Fault);
    return {
      lift: async () => {
        await this.call("liftFault", { id });
      },
      uses: async () => (await this.call("listFaults", {})).find((other) => other.id === id)?.uses ?? 0,
    };
  }

  /** Adds a table whose rows are computed: of any size, and changing as fast as told. Names are the cluster's. */
  async generate(options: GeneratedOptions): Promise<{ readonly created: string }> {
    return await this.call("generate", options);
  }

  /** Collects a table's old versions up to a timestamp, by default now. */
  async collectGarbage(table: string, database: string, threshold?: string): Promise<string> {
    const request = { table, database, ...(threshold === undefined ? {} : { threshold }) };
    return (await this.call("collectGarbage", request)).threshold;
  }

  /** Cancels running changefeeds of this node and says how many there were. */
  async cancelFeeds(request: Omit<CancelRequest, "node"> = {}): Promise<number> {
    return (await this.call("cancelFeeds", { ...request, node: this.#port })).cancelled;
  }

  /** One more node of the same cluster and version, on which TLS is spoken if told how. */
  addNode(tls?: TlsOptions): Promise<NodeAddress> {
    return this.call("addNode", {
      ...(tls === undefined ? {} : { tls }),
      ...(this.#version === undefined ? {} : { version: this.#version }),
    });
  }
}
