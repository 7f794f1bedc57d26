import type { Failure } from "./failure.ts";
import type { Hlc } from "../hlc.ts";
import { hlcSeconds } from "../hlc.ts";

/** What the publisher is doing, in the order of a normal life. */
export const STATES = [
  "starting",
  "connecting",
  "standby",
  "scanning",
  "streaming",
  "waiting",
  "backing-off",
  "stopping",
  "stopped",
] as const;

/** `waiting`: the broker takes nothing for now. `standby`: another publisher of the feed is active. */
export type State = typeof STATES[number];

/** States that last as long as they last. In the others something has to happen. */
const PATIENT: readonly State[] = ["standby", "waiting", "backing-off", "stopping", "stopped"];
const READY: readonly State[] = ["standby", "scanning", "streaming", "waiting"];

/** Numbers for the status page. */
export interface StatusCounts {
  /** Rows received from CockroachDB, repeats included. */
  readonly received: number;
  /** Rows recognised as repeats. */
  readonly dropped: number;
  /** Messages confirmed by the broker. */
  readonly confirmed: number;
  /** Messages not confirmed yet. */
  readonly messagesInFlight: number;
  /** Bytes of their bodies. */
  readonly bytesInFlight: number;
}

/** What stays the same for the life of the process. */
export interface StatusOptions {
  /** Name of the feed. */
  readonly feed: string;
  /** Version of this program. */
  readonly version: string;
  /** Full names of the tables. */
  readonly tables: readonly string[];
  /** Where rows come from, without credentials. */
  readonly source: string;
  /** Where messages go, without credentials. */
  readonly destination: string;
  /** Longest time without any progress before the process counts as stuck, in milliseconds. */
  readonly stuckAfter: number;
  /** Asked when the status page is shown. */
  readonly counts: () => StatusCounts;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A yes or a no, with the reason. */
export interface Verdict {
  /** True for yes. */
  readonly ok: boolean;
  /** One sentence for the operator. */
  readonly reason: string;
}

/** A failure and when it happened. */
export interface LastFailure extends Failure {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Everything the status page shows. */
export interface StatusSnapshot extends Omit<StatusOptions, "counts" | "now" | "stuckAfter"> {
  /** What the publisher is doing. */
  readonly state: State;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** When the snapshot was taken, in milliseconds since 1970. */
  readonly at: number;
  /** Newest resolved timestamp received. */
  readonly resolved: Hlc | undefined;
  /** Age of it in seconds. */
  readonly lag: number | undefined;
  /** The stored cursor. */
  readonly cursor: Hlc | undefined;
  /** The last failure, even if it has healed since. */
  readonly failure: LastFailure | undefined;
  /** Numbers since the start of the process. */
  readonly counts: StatusCounts;
}

/** What the agent is doing: it tells, HTTP and logs ask. */
export class Status {
  readonly #options: StatusOptions;
  readonly #now: () => number;
  #state: State = "starting";
  #since: number;
  #progressAt: number;
  #failure: LastFailure | undefined;
  #resolved: Hlc | undefined;
  #cursor: Hlc | undefined;

  /** Starts in the state `starting`. */
  constructor(options: StatusOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#since = this.#progressAt = this.#now();
  }

  /** What the publisher is doing. */
  get state(): State {
    return this.#state;
  }

  /** The publisher does something else from now on; true when it did not do so before. */
  enter(state: State): boolean {
    if (state === this.#state) return false;
    this.#state = state;
    this.#since = this.#now();
    return true;
  }

  /** Rows, a resolved timestamp or confirms came; call it once a batch. */
  progressed(): void {
    this.#progressAt = this.#now();
  }

  /** A session ended with a failure. */
  failed(failure: Failure): void {
    this.#failure = { ...failure, at: this.#now() };
  }

  /** A resolved timestamp was received. */
  resolvedAt(resolved: Hlc): void {
    this.#resolved = resolved;
    this.progressed();
  }

  /** A cursor was read from the store or written to it. */
  cursorAt(cursor: Hlc): void {
    this.#cursor = cursor;
  }

  /** Yes while the process makes progress or waits for what heals; no when only a restart may help. */
  health(): Verdict {
    if (this.#state === "stopped" && this.#failure !== undefined) {
      return { ok: false, reason: `stopped: ${this.#failure.kind}: ${this.#failure.message}` };
    }
    const quiet = this.#now() - Math.max(this.#since, this.#progressAt);
    if (quiet > this.#options.stuckAfter && !PATIENT.includes(this.#state)) {
      return { ok: false, reason: `${this.#state}, but no progress for ${Math.floor(quiet / 1000)} s` };
    }
    return { ok: true, reason: this.#state };
  }

  /** Yes while connected, and on standby: a standby does what it is there for. */
  readiness(): Verdict {
    return { ok: READY.includes(this.#state), reason: this.#state };
  }

  /** Everything at this moment. */
  snapshot(): StatusSnapshot {
    const { feed, version, tables, source, destination, counts } = this.#options;
    const at = this.#now();
    const lag = this.#resolved === undefined
      ? undefined
      : Math.max(0, at / 1000 - hlcSeconds(this.#resolved));
    return {
      feed,
      version,
      tables,
      source,
      destination,
      state: this.#state,
      since: this.#since,
      at,
      resolved: this.#resolved,
      lag,
      cursor: this.#cursor,
      failure: this.#failure,
      counts: counts(),
    };
  }
}
