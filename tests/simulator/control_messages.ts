import type { Fault } from "./faults.ts";
import type { GeneratedOptions } from "./generated_table.ts";
import type { NodeOptions } from "./simulator.ts";

/** Where the control of a simulator listens, for tests that share one: `http://127.0.0.1:PORT`. */
export const SIMULATOR_VARIABLE = "COCKROACH_SIMULATOR";

/** What the control understands: POST to `/ACTION` with this as JSON; the answer is JSON too. */
export interface ControlActions {
  /** One more node. */
  readonly addNode: { readonly request: NodeOptions; readonly answer: NodeAddress };
  /** Takes a node away for good. */
  readonly removeNode: { readonly request: NodePort; readonly answer: null };
  /** Closes a node's port and connections at once. */
  readonly kill: { readonly request: NodePort; readonly answer: null };
  /** Shuts a node down gracefully. */
  readonly drain: { readonly request: NodePort; readonly answer: null };
  /** Brings a node back on the same port. */
  readonly restart: { readonly request: NodePort; readonly answer: null };
  /** Cancels running changefeeds; the answer says how many. */
  readonly cancelFeeds: { readonly request: CancelRequest; readonly answer: { readonly cancelled: number } };
  /** Puts a fault in force. */
  readonly addFault: { readonly request: Fault; readonly answer: { readonly id: string } };
  /** Lifts a fault, or all without an id. */
  readonly liftFault: { readonly request: { readonly id?: string }; readonly answer: null };
  /** The faults in force. */
  readonly listFaults: {
    readonly request: Record<string, never>;
    readonly answer: readonly { readonly id: string; readonly fault: Fault; readonly uses: number }[];
  };
  /** Adds a table whose rows are computed; `created` is its first timestamp. */
  readonly generate: { readonly request: GeneratedOptions; readonly answer: { readonly created: string } };
  /** Collects a table's old versions up to a timestamp, by default now. */
  readonly collectGarbage: {
    readonly request: { readonly table: string; readonly database?: string; readonly threshold?: string };
    readonly answer: { readonly threshold: string };
  };
}

/** A node's address. */
export interface NodeAddress {
  readonly port: number;
  readonly url: string;
}

/** A node by its port. */
export interface NodePort {
  readonly port: number;
}

/** Which feeds to cancel; without anything all of them. */
export interface CancelRequest {
  readonly application?: string;
  readonly node?: number;
  readonly what?: "query" | "session";
}
