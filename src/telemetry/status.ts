import type { Failure } from "./failure.ts";
import { type Hlc, hlcSeconds } from "../hlc.ts";
import { RecentFailures } from "./recent_failures.ts";
import type {
  FeedEnd,
  FeedEndStatus,
  Interruption,
  ScanProgress,
  StatusCounts,
  StatusSnapshot,
  Verdict,
} from "./snapshot.ts";

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

/** What stays the same for the life of the process. */
export interface StatusOptions {
  /** Name of the feed. */
  readonly feed: string;
  /** Version of this program. */
  readonly version: string;
  /** Full names of the tables, by what the feed's table column will hold. */
  readonly tables: ReadonlyMap<string, string>;
  /** Where rows come from. */
  readonly source: FeedEnd;
  /** Where messages go. */
  readonly destination: FeedEnd;
  /** Longest time without any progress before the process counts as stuck, in milliseconds. */
  readonly stuckAfter: number;
  /** Asked for each snapshot. */
  readonly counts: () => StatusCounts;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

interface Scan {
  readonly cursor: Hlc;
  readonly since: number;
  readonly confirmedBefore: number;
  done: ScanProgress | undefined;
}

/** What the agent is doing: it tells, HTTP and logs ask. */
export class Status {
  readonly #options: StatusOptions;
  readonly #now: () => number;
  readonly #started: number;
  readonly #failures: RecentFailures = new RecentFailures();
  readonly #connections: Partial<Record<"source" | "destination", FeedEndStatus["connection"]>> = {};
  #state: State = "starting";
  #since: number;
  #progressAt: number;
  #interruption: Interruption | undefined;
  #resolved: Hlc | undefined;
  #cursor: Hlc | undefined;
  #scan: Scan | undefined;

  /** Starts in the state `starting`. */
  constructor(options: StatusOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#started = this.#since = this.#progressAt = this.#now();
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
    this.#recover();
    return true;
  }

  /** Rows, a resolved timestamp or confirms came; call it once a batch. */
  progressed(): void {
    this.#progressAt = this.#now();
  }

  /** Something failed, whatever follows. */
  failed(failure: Failure): void {
    this.#failures.add(failure, this.#now());
  }

  /** Publishing ended with a failure, and is tried again after so many milliseconds. */
  interrupted(failure: Failure, retryIn: number): void {
    this.failed(failure);
    const now = this.#now();
    this.#interruption = { since: this.#interruption?.since ?? now, retryAt: now + retryIn };
  }

  /** One end is connected: what to, without credentials; `undefined` when it is not any more. */
  connected(end: "source" | "destination", address: string | undefined): void {
    this.#connections[end] = address === undefined ? undefined : { address, since: this.#now() };
    this.#recover();
  }

  /** The initial scan at this timestamp runs; `undefined`: none does. */
  scanning(cursor: Hlc | undefined): void {
    if (cursor === undefined) {
      if (this.#scan !== undefined) this.#scan.done ??= this.#progressOf(this.#scan, this.#now());
    } else if (this.#scan?.cursor !== cursor) {
      const confirmedBefore = this.#options.counts().confirmed;
      this.#scan = { cursor, since: this.#now(), confirmedBefore, done: undefined };
    }
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
    const [failure] = this.#failures.list;
    if (this.#state === "stopped" && failure !== undefined) {
      return { ok: false, reason: `stopped: ${failure.kind}: ${failure.message}` };
    }
    const quiet = this.#now() - this.#lastProgress;
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
    const { feed, version, source, destination } = this.#options;
    const at = this.#now(), counts = this.#options.counts();
    return {
      feed,
      version,
      started: this.#started,
      at,
      state: this.#state,
      since: this.#since,
      progressAt: this.#lastProgress,
      health: this.health(),
      interruption: this.#interruption,
      failures: [...this.#failures.list],
      source: { ...source, connection: this.#connections.source },
      destination: { ...destination, connection: this.#connections.destination },
      resolved: this.#resolved,
      lag: this.#resolved && Math.max(0, at / 1000 - hlcSeconds(this.#resolved)),
      cursor: this.#cursor,
      scan: this.#scan && (this.#scan.done ?? this.#progressOf(this.#scan)),
      tables: this.#tables(counts),
      counts,
    };
  }

  /** A state is entered with good intentions: only where CockroachDB is connected does it publish again. */
  #recover(): void {
    const publishes = this.#state === "scanning" || this.#state === "streaming";
    if (publishes ? this.#connections.source !== undefined : READY.includes(this.#state)) {
      this.#interruption = undefined;
    }
  }

  /** Another state is progress too. */
  get #lastProgress(): number {
    return Math.max(this.#since, this.#progressAt);
  }

  #progressOf({ since, confirmedBefore }: Scan, until?: number): ScanProgress {
    return { since, until, confirmed: this.#options.counts().confirmed - confirmedBefore };
  }

  /** Those of the settings first; a feed of column families may have more. */
  #tables({ tables: counted }: StatusCounts): StatusSnapshot["tables"] {
    const { tables: names } = this.#options;
    return [...new Set([...names.keys(), ...counted.keys()])].map((column) => {
      const { rows = 0, dropped = 0 } = counted.get(column) ?? {};
      return { name: names.get(column) ?? column, rows, dropped };
    });
  }
}
