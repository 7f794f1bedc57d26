import { unlessAborted } from "./abort.ts";
import { type Change, changeOf, type Position } from "./change.ts";
import type { Clock } from "./clock.ts";
import type { Message } from "./encode.ts";
import { AgentError } from "./errors.ts";
import type { FeedEnd } from "./feed_end.ts";
import { type Hlc, hlcTime } from "./hlc.ts";
import { type Outlet, publishNotices } from "./outlet.ts";

/** What to do when garbage collection has overtaken the cursor, so that changes after it may be gone. */
export type OnExpiredCursor = "fail" | "rescan" | "latest";

/** What gaps work with. */
export interface GapParts {
  /** Says what time it is for CockroachDB. */
  readonly source: { now(): Promise<Hlc> };
  /** What the feed's table column holds for each table. */
  readonly tables: readonly string[];
  /** What to do when changes after the cursor may be gone. */
  readonly onExpiredCursor: OnExpiredCursor;
  /** Where the feed ends; `undefined`: never. */
  readonly end: FeedEnd | undefined;
  /** Makes the message of a marker. */
  readonly encode: (change: Change) => Message;
  /** Time. */
  readonly clock: Clock;
}

/**
 * What garbage collection takes away. Behind a cursor these are changes. Behind a scan that was not finished they are the
 * rows that were not sent, and the deletions of rows that were: no later scan tells consumers of those.
 */
export class Gaps {
  readonly #parts: GapParts;
  /** The last scan that was overtaken, until one is complete. */
  #overtaken: Hlc | undefined;

  /** There is no gap yet. */
  constructor(parts: GapParts) {
    this.#parts = parts;
  }

  /** A scan is complete, or there was none. */
  scanned(): void {
    this.#overtaken = undefined;
  }

  /**
   * Tells the consumers of each table of the gap behind a position that has expired, and returns where to go on when that
   * is confirmed; `undefined` if the signal aborts before.
   *
   * @param failure what CockroachDB said
   * @throws AgentError where the operator has to decide
   */
  async announce(
    from: Position,
    failure: unknown,
    outlet: Outlet,
    signal: AbortSignal,
  ): Promise<Position | undefined> {
    const { source, tables, onExpiredCursor, encode, clock } = this.#parts;
    this.#check(from, failure);
    const now = await unlessAborted(source.now(), signal);
    if (now === undefined) return undefined;
    const to = { cursor: now, scanning: onExpiredCursor === "rescan" };
    const markers = tables.map((table) => encode(gapMarker(table, from, to)));
    return await publishNotices(outlet, markers, clock, signal) ? to : undefined;
  }

  /** A scan that takes longer than CockroachDB keeps old versions would begin for ever. */
  #check({ cursor, scanning }: Position, failure: unknown): void {
    const { onExpiredCursor, end } = this.#parts;
    if (!scanning && onExpiredCursor === "fail") throw failure;
    if (!scanning) return;
    const { message } = AgentError.from(failure);
    // A feed that ends with its scan has nothing to send after it: going on from now would call it complete.
    if (onExpiredCursor === "fail" || onExpiredCursor === "latest" && end === "scan") {
      throw new AgentError("ScanExpired", message, { cause: failure });
    }
    const before = this.#overtaken;
    this.#overtaken = cursor;
    if (before === undefined || before === cursor) return;
    throw new AgentError("ScanExpired", `The second scan in a row took too long: ${message}`, {
      cause: failure,
      hint:
        "a scan that takes longer than gc.ttlseconds never ends; for each table run: ALTER TABLE … CONFIGURE ZONE USING gc.ttlseconds = 90000",
    });
  }
}

/**
 * The marker that tells a table's consumers of a gap: changes after `from` and up to `to` may never come, and where a scan
 * was `lost`, rows as of `from` too. It has the key `null`, which no row has, and the operation `gap`; `then` says what
 * follows: the whole table (`scan`) or only what changes from now on (`changes`).
 */
export function gapMarker(table: string, from: Position, to: Position): Change {
  const gap = {
    lost: from.scanning ? "scan" : "changes",
    after: from.cursor,
    afterTime: hlcTime(from.cursor),
    until: to.cursor,
    untilTime: hlcTime(to.cursor),
    then: to.scanning ? "scan" : "changes",
  };
  return changeOf({
    table,
    key: "null",
    value: JSON.stringify({ gap }),
    updated: to.cursor,
    operation: "gap",
  });
}
