import { SHORT_STRING_BYTES } from "./reading.ts";
import { fullTableName, type TableName } from "../table_name.ts";

/** The lock is a queue of this name (`changefeed.CLUSTERID8.FEED`), so the feed must leave room for the rest of it. */
const LONGEST_BYTES = SHORT_STRING_BYTES - "changefeed.12345678.".length;

/** The feed's name unless one is given: the full table names, sorted. Adding a table changes it. */
export function defaultFeedName(tables: readonly TableName[], database: string): string {
  return tables.map((table) => fullTableName(table, database)).sort().join("+");
}

/** What is wrong with a feed's name, as a text; `undefined` when it is good. */
export function feedNameProblem(name: string): string | undefined {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes === 0) return "expected a name";
  if (bytes > LONGEST_BYTES) return `longer than ${LONGEST_BYTES} bytes (it is ${bytes})`;
  if (/\p{Cc}/u.test(name)) return "holds a control character";
  // These stand in cursor_store beside the feeds' names.
  if (name === "key") return "the original program's cursor has this name";
  if (name.endsWith("/scan")) return "names ending in /scan are kept for the cursors of running scans";
  if (name.endsWith("/owner")) return "names ending in /owner are kept for the feeds' owners";
  return undefined;
}
