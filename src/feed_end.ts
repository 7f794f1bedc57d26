import type { FeedEvent, Position } from "./change.ts";
import { AgentError } from "./errors.ts";
import { compareHlc, type Hlc, hlcTime, latestHlc } from "./hlc.ts";

/**
 * Where a feed ends: with its initial scan, or when every change up to `last` is published.
 *
 * The changefeed itself is one without an end, which is left at the first resolved timestamp at or above the end: then
 * every row up to it was sent, by the contract that the cursor rests on. CockroachDB's own `initial_scan = 'only'` and
 * `end_time` promise less: until v22.2 a feed could complete before all of its rows were sent (cockroachdb/cockroach#90277),
 * they send neither resolved timestamps nor, with a scan, timestamps of rows, and an end that is past is refused, so that
 * nobody could go on after an outage.
 *
 * What is stored is the end itself: it is a resolved timestamp, since rows above it are left out. A crash before that
 * leaves the position where the feed began, the scan's included, and the next process publishes the rest under the same
 * message ids; a stop hands over what was sent, as ever; a standby that takes over finds either. A process that finds the
 * end stored has nothing to do, and one without an end goes on from there, without a gap and without a repeat.
 */
export type FeedEnd = "scan" | { readonly last: Hlc };

/** Nothing is left to publish for a feed that stands here. */
export function isReached(end: FeedEnd, { cursor, scanning }: Position): boolean {
  return !scanning && (end === "scan" || compareHlc(cursor, end.last) >= 0);
}

/** The last timestamp that a session from here publishes. A scan behind the end, after a gap, is still a whole one. */
export function lastOf(end: FeedEnd, { cursor, scanning }: Position): Hlc {
  if (end === "scan") return cursor;
  return scanning ? latestHlc(cursor, end.last)! : end.last;
}

/**
 * The start of a feed that has no cursor.
 *
 * @throws AgentError ConfigInvalid when the feed would begin where it has ended already
 */
export function startBefore(end: FeedEnd | undefined, start: Position): Position {
  const isPast = end !== undefined && end !== "scan" && compareHlc(start.cursor, end.last) >= 0;
  if (!isPast) return start;
  throw new AgentError(
    "ConfigInvalid",
    `Cannot end at "${hlcTime(end.last)}": the feed has no cursor and would begin at "${
      hlcTime(start.cursor)
    }"`,
    { hint: "give a later end_time, or the feed that has a cursor from before it" },
  );
}

/** The events of a changefeed up to an end. */
export class BoundedFeed {
  readonly #last: Hlc;
  #reached = false;

  /**
   * Nothing was read yet.
   *
   * @param last the last timestamp to let through
   */
  constructor(last: Hlc) {
    this.#last = last;
  }

  /** Every row up to the end was let through. */
  get reached(): boolean {
    return this.#reached;
  }

  /** The feed without what lies above the end, up to a resolved timestamp of exactly the end. */
  async *of(feed: AsyncIterable<readonly FeedEvent[]>): AsyncGenerator<readonly FeedEvent[]> {
    for await (const events of feed) {
      const end = events.findIndex((event) =>
        event.kind === "resolved" && compareHlc(event.timestamp, this.#last) >= 0
      );
      yield (end < 0 ? events : events.slice(0, end)).filter((event) => this.#isWithin(event));
      if (end < 0) continue;
      this.#reached = true;
      return yield [{ kind: "resolved", timestamp: this.#last }];
    }
  }

  /** Rows without a timestamp (`key_only`) pass: some of later changes may be among them. */
  #isWithin(event: FeedEvent): boolean {
    return event.kind === "resolved" || event.updated === undefined ||
      compareHlc(event.updated, this.#last) <= 0;
  }
}
