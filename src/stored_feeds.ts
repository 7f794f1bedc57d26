import { ORIGINAL_KEY, OWNER_SUFFIX, SCAN_SUFFIX } from "./feed_keys.ts";
import { type Hlc, parseHlc } from "./hlc.ts";

/** What `cursor_store` holds of one feed. */
export interface StoredFeed {
  /** Its name. */
  readonly feed: string;
  /** The cursor as it is stored. */
  readonly text: string;
  /** `undefined` when it is malformed. */
  readonly cursor: Hlc | undefined;
  /** The whole tables as of the cursor are not all confirmed yet. */
  readonly scanning: boolean;
  /** A process has claimed the feed. */
  readonly claimed: boolean;
}

/** What `cursor_store` holds. */
export interface StoredFeeds {
  /** In the order of their names. */
  readonly feeds: readonly StoredFeed[];
  /** The cursor of the program of 2020, as it is stored. */
  readonly original: string | undefined;
}

/** Sorts rows out; beside a cursor the row of a scan means nothing, as for a publisher. */
export function storedFeeds(rows: readonly { readonly key: string; readonly cursor: string }[]): StoredFeeds {
  const texts = new Map(rows.map(({ key, cursor }) => [key, cursor]));
  const names = new Set(
    [...texts.keys()].filter((key) => key !== ORIGINAL_KEY && !key.endsWith(OWNER_SUFFIX))
      .map((key) => key.endsWith(SCAN_SUFFIX) ? key.slice(0, -SCAN_SUFFIX.length) : key),
  );
  const feeds = [...names].sort().map((feed) => {
    const cursor = texts.get(feed);
    const text = cursor ?? texts.get(feed + SCAN_SUFFIX)!;
    const claimed = texts.has(feed + OWNER_SUFFIX);
    return { feed, text, cursor: parseHlc(text), scanning: cursor === undefined, claimed };
  });
  return { feeds, original: texts.get(ORIGINAL_KEY) };
}
