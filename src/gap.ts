import type { Change, Position } from "./change.ts";
import { hlcTime } from "./hlc.ts";

/** What to do when garbage collection has overtaken the cursor, so that changes after it may be gone. */
export type OnExpiredCursor = "fail" | "rescan" | "latest";

/**
 * The marker that tells a table's consumers of a gap: changes after `from` and up to `to` may never come. It has the key
 * `null`, which no row has, and the operation `gap`; `then` says what follows: the whole table (`scan`) or only what
 * changes from now on (`changes`).
 */
export function gapMarker(table: string, from: Position, to: Position): Change {
  const gap = {
    after: from.cursor,
    afterTime: hlcTime(from.cursor),
    until: to.cursor,
    untilTime: hlcTime(to.cursor),
    then: to.scanning ? "scan" : "changes",
  };
  return {
    kind: "change",
    table,
    key: "null",
    value: JSON.stringify({ gap }),
    updated: to.cursor,
    operation: "gap",
  };
}
