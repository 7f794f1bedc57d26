import { compareHlc, type Hlc } from "./hlc.ts";
import { type RowHash, rowHash } from "./row_hash.ts";
import { rowIdentity } from "./row_identity.ts";

/**
 * What happened to the row; `insert` and `update` can only be told apart when the feed carries `diff`. `gap` (see gap.ts)
 * and `resolved` (see watermark.ts) are no changes.
 */
export type Operation = "insert" | "update" | "upsert" | "delete" | "read" | "gap" | "resolved";

/** One version of one row, as the changefeed sent it. */
export interface Change {
  /** Tells it from {@linkcode Resolved}. */
  readonly kind: "change";
  /** The feed's table column: the last part of the name, or all of it with `full_table_name`. */
  readonly table: string;
  /** Primary key as the JSON array text CockroachDB sent (`[54]`): what goes into the body. */
  readonly key: string;
  /** The key in the one spelling that all versions of the row share, see {@linkcode rowIdentity}. */
  readonly identity: string;
  /** Hash of table and identity: what the guard, the window and `message-id` know the row by. */
  readonly row: RowHash;
  /** The value column as it came, without the timestamp this program asked for; empty for `key_only`. */
  readonly value: string;
  /** Commit timestamp; `undefined` where the envelope carries none (`key_only`). */
  readonly updated: Hlc | undefined;
  /** What happened to the row. */
  readonly operation: Operation;
}

/**
 * The change with its row's identity.
 *
 * @param identifying the key from which the identity is made; by default the change's own
 */
export function changeOf(
  { table, key, value, updated, operation }: Omit<Change, "kind" | "identity" | "row">,
  identifying: string = key,
): Change {
  const identity = rowIdentity(identifying);
  return { kind: "change", table, key, identity, row: rowHash(table, identity), value, updated, operation };
}

/** CockroachDB's promise that every row at or below `timestamp` was sent before. The only thing that is a cursor. */
export interface Resolved {
  /** Tells it from {@linkcode Change}. */
  readonly kind: "resolved";
  /** Every row at or below it was sent before. */
  readonly timestamp: Hlc;
}

/** What a changefeed sends. */
export type FeedEvent = Change | Resolved;

/** Where a feed session starts. While `scanning`, the whole table as of `cursor` comes first. */
export interface Position {
  /** The feed sends what was committed after it. */
  readonly cursor: Hlc;
  /** The whole tables as of the cursor come first, or are not all confirmed yet. */
  readonly scanning: boolean;
}

/** True where both are there, and the same. */
export function samePosition(a: Position | undefined, b: Position | undefined): boolean {
  return a !== undefined && b !== undefined && a.cursor === b.cursor && a.scanning === b.scanning;
}

/** True for a later timestamp; at the scan's own it ends the scan, so it is news although it is no later. */
export function isNewer(resolved: Hlc, known: Position | undefined): boolean {
  if (known === undefined) return true;
  const order = compareHlc(resolved, known.cursor);
  return known.scanning ? order >= 0 : order > 0;
}
