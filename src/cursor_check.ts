import { fail, ok, type Outcome, skip, warn } from "./check.ts";
import { compareHlc, type Hlc, hlcSeconds, hlcTime } from "./hlc.ts";
import { elapsedText } from "./settings/duration.ts";
import { quoted, shellWord } from "./settings/quoted.ts";
import { PROGRAM } from "./settings/version.ts";
import type { StoredFeeds } from "./stored_feeds.ts";

/** A feed, as far as its cursor goes. */
export interface CursorCheckOptions {
  /** Its name. */
  readonly feed: string;
  /** The operator said how to start without a cursor. */
  readonly initialScanGiven: boolean;
  /** A feed without a cursor publishes the rows that are there. */
  readonly initialScan: boolean;
  /** It goes on by itself when changes after the cursor may be gone. */
  readonly outlivesExpiry: boolean;
  /** Whole names of its tables, quoted. */
  readonly tables: readonly string[];
  /** The user who reads them, quoted. */
  readonly user: string;
}

/** Less than this share of the time to live left is too little. */
const LEAST_HEADROOM = 0.25;

/** Whether the feed can start at what is stored. */
export function checkCursor(
  options: CursorCheckOptions,
  { feeds, original }: StoredFeeds,
  now: Hlc,
): Outcome {
  const { feed, initialScan, initialScanGiven } = options;
  const stored = feeds.find((other) => other.feed === feed);
  const command = (words: string) => `${PROGRAM} cursor ${words} --feed ${shellWord(feed)}`;
  if (stored === undefined) {
    if (original !== undefined && !initialScanGiven) {
      return fail("none, but one of the original program; or give --initial-scan", command("adopt"));
    }
    return ok(
      `none yet: ${initialScan ? "the feed starts with the whole tables" : "the feed starts at present"}`,
    );
  }
  const { cursor, text, scanning } = stored;
  if (cursor === undefined) return fail(`${quoted(text)} is no timestamp`, command("set now"));
  if (compareHlc(cursor, now) > 0) return fail(`${text} is in the future of the cluster`, command("set now"));
  const time = `${hlcTime(cursor)}, ${elapsedText(ageOf(cursor, now))} ago`;
  return ok(scanning ? `${time}, for the initial scan` : time);
}

/**
 * Whether CockroachDB still has what was committed after the cursor.
 *
 * @param gcTtl how long it keeps old versions of the tables, in seconds; `undefined` when that is not known
 */
export function checkRetention(
  { feed, tables, user, outlivesExpiry }: CursorCheckOptions,
  { feeds }: StoredFeeds,
  now: Hlc,
  gcTtl: number | undefined,
): Outcome {
  if (gcTtl === undefined) {
    // Zone configurations are shown to who has any privilege on the table: recordings privileges.
    const grant = `GRANT SELECT ON TABLE ${tables.join(", ")} TO ${user};`;
    return skip("cannot be told: the user may not see gc.ttlseconds", grant);
  }
  const stored = feeds.find((other) => other.feed === feed);
  const kept = `old versions are kept for ${elapsedText(gcTtl)}`;
  if (stored?.cursor === undefined) return ok(kept);
  const age = ageOf(stored.cursor, now);
  if (age > gcTtl) {
    const found = `${kept}, and the cursor is older than that by ${elapsedText(age - gcTtl)}`;
    if (outlivesExpiry || stored.scanning) return warn(found);
    return fail(
      `${found}; or give --on-expired-cursor`,
      `${PROGRAM} cursor delete --feed ${shellWord(feed)}`,
    );
  }
  const found = `${kept}, ${elapsedText(gcTtl - age)} more after the cursor`;
  if (gcTtl - age >= LEAST_HEADROOM * gcTtl) return ok(found);
  const longer = Math.ceil(2 * gcTtl);
  const statements = tables.map((table) =>
    `ALTER TABLE ${table} CONFIGURE ZONE USING gc.ttlseconds = ${longer};`
  );
  return warn(found, statements.join(" "));
}

function ageOf(cursor: Hlc, now: Hlc): number {
  return hlcSeconds(now) - hlcSeconds(cursor);
}
