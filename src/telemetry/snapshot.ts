import type { Hlc } from "../hlc.ts";
import type { RecentFailure } from "./recent_failures.ts";
import type { State } from "./status.ts";

/** Rows of one table since the start of the process. */
export interface TableCounts {
  /** Received from CockroachDB, repeats included. */
  readonly rows: number;
  /** Recognised as repeats. */
  readonly dropped: number;
}

/** Numbers for the status page, since the start of the process or of this moment. */
export interface StatusCounts {
  /** Rows received from CockroachDB, repeats included. */
  readonly received: number;
  /** Rows recognised as repeats. */
  readonly dropped: number;
  /** The same by what the feed's table column holds. */
  readonly tables: ReadonlyMap<string, TableCounts>;
  /** Messages confirmed by the broker. */
  readonly confirmed: number;
  /** Messages refused by the broker. */
  readonly nacked: number;
  /** Messages returned because no queue takes them. */
  readonly returned: number;
  /** Messages skipped or sent to the dead-letter queue. */
  readonly unpublishable: number;
  /** Messages not confirmed yet. */
  readonly messagesInFlight: number;
  /** Bytes of their bodies. */
  readonly bytesInFlight: number;
  /** Messages that may be in flight at present. */
  readonly inFlightLimit: number;
  /** How long CockroachDB keeps old versions, in seconds. */
  readonly gcTtl: number | undefined;
  /** Until garbage collection passes the cursor, in seconds. */
  readonly gcHeadroom: number | undefined;
}

/** Where rows come from, or messages go to. */
export interface FeedEnd {
  /** `CockroachDB` */
  readonly system: string;
  /** What is read or written there: `database shop`, `queue orders`. */
  readonly place: string;
  /** Every `host:port` that may be connected to, without credentials. */
  readonly addresses: readonly string[];
}

/** An end of the feed, and whether there is a connection to it. */
export interface FeedEndStatus extends FeedEnd {
  /** `undefined`: there is none. */
  readonly connection: {
    /** `host:port`, and the server's version where it is known. */
    readonly address: string;
    /** Milliseconds since 1970. */
    readonly since: number;
  } | undefined;
}

/** The initial scan, running or done. */
export interface ScanProgress {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds since 1970; `undefined` while it runs. */
  readonly until: number | undefined;
  /** Messages confirmed in that time; changes made meanwhile are among them. */
  readonly confirmed: number;
}

/** What ended publishing for the time being. */
export interface Interruption {
  /** When it first failed, in milliseconds since 1970. */
  readonly since: number;
  /** When it is tried again, in milliseconds since 1970. */
  readonly retryAt: number;
}

/** A yes or a no, with the reason. */
export interface Verdict {
  /** True for yes. */
  readonly ok: boolean;
  /** One sentence for the operator. */
  readonly reason: string;
}

/** Everything the status page shows of one moment. */
export interface StatusSnapshot {
  /** Name of the feed. */
  readonly feed: string;
  /** Version of this program. */
  readonly version: string;
  /** When the process started, in milliseconds since 1970. */
  readonly started: number;
  /** The moment, in milliseconds since 1970. */
  readonly at: number;
  /** What the publisher is doing. */
  readonly state: State;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** When it last got anywhere, in milliseconds since 1970. */
  readonly progressAt: number;
  /** Whether the process makes progress or waits for what heals. */
  readonly health: Verdict;
  /** Set from the first failure until publishing or standing by again. */
  readonly interruption: Interruption | undefined;
  /** Failures, newest first, even if they have healed since. */
  readonly failures: readonly RecentFailure[];
  /** CockroachDB. */
  readonly source: FeedEndStatus;
  /** RabbitMQ. */
  readonly destination: FeedEndStatus;
  /** Newest resolved timestamp received. */
  readonly resolved: Hlc | undefined;
  /** Age of it in seconds. */
  readonly lag: number | undefined;
  /** The stored cursor. */
  readonly cursor: Hlc | undefined;
  /** The latest initial scan of this process. */
  readonly scan: ScanProgress | undefined;
  /** Tables with their full names, as configured. */
  readonly tables: readonly (TableCounts & { readonly name: string })[];
  /** Numbers. */
  readonly counts: StatusCounts;
}
