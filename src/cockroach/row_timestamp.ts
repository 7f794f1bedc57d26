import { compareHlc, type Hlc, parseHlc } from "../hlc.ts";

/** The rows of a scan, and those of a transaction, have one timestamp: one text serves them all. */
let latestText = "", latest: Hlc | undefined;

/** Reads a row's timestamp; `undefined` when the text is none. */
export function readTimestamp(text: string): Hlc | undefined {
  if (text !== latestText) latest = parseHlc(latestText = detached(text));
  return latest;
}

/** True for a row of the initial scan: those have exactly the scan's timestamp. */
export function isOfScan(
  updated: Hlc,
  { scanTimestamp }: { readonly scanTimestamp: Hlc | undefined },
): boolean {
  return scanTimestamp !== undefined && compareHlc(updated, scanTimestamp) === 0;
}

/** A copy that does not keep the row's whole text alive, as a slice of it would: the guard remembers timestamps. */
function detached(text: string): string {
  return (" " + text).slice(1);
}
