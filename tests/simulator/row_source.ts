import type { Hlc } from "../../src/hlc.ts";
import type { SqlError } from "./sql_error.ts";

/** What a row's table is, as `envelope=enriched` shows it. */
export interface RowOrigin {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  /** Names of the key's columns. */
  readonly primaryKeys: readonly string[];
}

/** A row as a changefeed may send it; what was deleted has no `after`. */
export interface FeedRow {
  readonly kind: "row";
  readonly at: Hlc;
  /** `at` as the row shows it: those of GLOBAL tables end in `?`. */
  readonly updated: string;
  /** When the row was written, as the row shows it; in a scan that is before `at`. */
  readonly written: string;
  /** As the feed's table column shows it. */
  readonly table: string;
  /** JSON array of the primary key. */
  readonly key: string;
  /** JSON object of the row, or `undefined` for a deletion. */
  readonly after: string | undefined;
  /** JSON object of the row as it was, if there was one. */
  readonly before: string | undefined;
  /** Sent again only because the table's columns changed. */
  readonly rescan: boolean;
  /** JSON object that stands for a deleted row in the envelope `bare`: all columns but the key are null. */
  readonly ghost: string | undefined;
  /** Its table. */
  readonly origin: RowOrigin;
}

/** Something in a table's history: a row, new columns or keys, or the end of the feed. */
export type FeedEvent =
  | FeedRow
  | { readonly kind: "schema" | "rekeyed"; readonly at: Hlc; readonly table: string }
  | { readonly kind: "failure"; readonly at: Hlc; readonly error: SqlError };

/** Where a changefeed's rows come from. It keeps no position, so that a feed can go back. */
export interface RowSource {
  /** All rows as of a timestamp. */
  scan(at: Hlc): Iterable<FeedRow>;
  /** What happened later than `after` and not later than `until`, in that order. */
  between(after: Hlc, until: Hlc): Iterable<FeedEvent>;
}
