import { type Hlc, shortHlc } from "./hlc.ts";
import { type RowHash, shortText } from "./row_hash.ts";

/**
 * `HLC-HASH`: the change's timestamp (see {@linkcode shortHlc}) and 96 bits of its row's hash; the same for every repeat of
 * a change, on every machine, for ever. 36 characters for a timestamp without a logical part.
 */
export function messageId(updated: Hlc, row: RowHash): string {
  return `${shortHlc(updated)}-${shortText(row)}`;
}
