import type { Hlc } from "../hlc.ts";
import type { Reading } from "./reading.ts";
import { parseTimestamp } from "./timestamp.ts";

/** Where a cursor is to be: a timestamp, or the cluster's time when it is stored. */
export type CursorTime = Hlc | "now";

/** Reads `now`, a time, or a timestamp as CockroachDB prints it, with or without its logical part. */
export function readCursorTime(text: string): Reading<CursorTime> {
  const value = text.toLowerCase() === "now" ? "now" : parseTimestamp(text);
  return value === undefined
    ? { problem: "expected now, a time such as 2026-11-24T10:00:00Z, or 1795327222747839112.0000000000" }
    : { value };
}
