import type { Hlc } from "./hlc.ts";

/** What happened to the row; `insert` and `update` can only be told apart when the feed carries `diff`. */
export type Operation = "insert" | "update" | "upsert" | "delete" | "read";

/** One version of one row, as the changefeed sent it. */
export interface Change {
  readonly kind: "change";
  /** The feed's table column: the last part of the name, or all of it with `full_table_name`. */
  readonly table: string;
  /** Primary key as the JSON array text CockroachDB sent (`[54]`). */
  readonly key: string;
  /** The value column as it came, without the timestamp this program asked for; empty for `key_only`. */
  readonly value: string;
  /** Commit timestamp; `undefined` where the envelope carries none (`key_only`). */
  readonly updated: Hlc | undefined;
  readonly operation: Operation;
}

/** CockroachDB's promise that every row at or below `timestamp` was sent before. The only thing that is a cursor. */
export interface Resolved {
  readonly kind: "resolved";
  readonly timestamp: Hlc;
}

/** What a changefeed sends. */
export type FeedEvent = Change | Resolved;

/** Where a feed session starts. While `scanning`, the whole table as of `cursor` comes first. */
export interface Position {
  readonly cursor: Hlc;
  readonly scanning: boolean;
}
