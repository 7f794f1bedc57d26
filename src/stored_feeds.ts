import { ORIGINAL_KEY, OWNER_SUFFIX, SCAN_SUFFIX, TABLES_SUFFIX } from "./feed_keys.ts";
import { type Hlc, parseHlc } from "./hlc.ts";
import { parseTableIds, type TableIds } from "./table_ids.ts";

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
  /** Ids of its tables, as of its last session; `undefined` when they are not known. */
  readonly tables: TableIds | undefined;
}

/** What `cursor_store` holds. */
export interface StoredFeeds {
  /** In the order of their names. */
  readonly feeds: readonly StoredFeed[];
  /** The cursor of the program of 2020, as it is stored. */
  readonly original: string | undefined;
}

/** Stand beside a cursor and are none. */
const BESIDE = [OWNER_SUFFIX, TABLES_SUFFIX];

/** Sorts rows out; beside a cursor the row of a scan means nothing, as for a publisher. */
export function storedFeeds(rows: readonly { readonly key: string; readonly cursor: string }[]): StoredFeeds {
  const texts = new Map(rows.map(({ key, cursor }) => [key, cursor]));
  const names = new Set(
    [...texts.keys()].filter((key) => key !== ORIGINAL_KEY && !BESIDE.some((suffix) => key.endsWith(suffix)))
      .map((key) => key.endsWith(SCAN_SUFFIX) ? key.slice(0, -SCAN_SUFFIX.length) : key),
  );
  const feeds = [...names].sort().map((feed) => {
    const cursor = texts.get(feed);
    const text = cursor ?? texts.get(feed + SCAN_SUFFIX)!;
    const claimed = texts.has(feed + OWNER_SUFFIX);
    const tables = parseTableIds(texts.get(feed + TABLES_SUFFIX) ?? "");
    return { feed, text, cursor: parseHlc(text), scanning: cursor === undefined, claimed, tables };
  });
  return { feeds, original: texts.get(ORIGINAL_KEY) };
}
