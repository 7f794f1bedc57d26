import type { FeedEvent, Position } from "./change.ts";
import type { Hlc } from "./hlc.ts";
import type { TableRegister } from "./table_ids.ts";

/** Where changes come from. Every method throws AgentError. */
export interface Source {
  /** Id of the cluster, a UUID. */
  clusterId(): Promise<string>;
  /** The cluster's clock. */
  now(): Promise<Hlc>;
  /** One feed session; its connection is closed when the loop over it is left or the signal aborts. */
  open(
    position: Position,
    register: TableRegister,
    signal: AbortSignal,
  ): AsyncIterable<readonly FeedEvent[]>;
}
