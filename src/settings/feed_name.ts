import { ORIGINAL_KEY, OWNER_SUFFIX, SCAN_SUFFIX, TABLES_SUFFIX } from "../feed_keys.ts";
import { lockName } from "../feed_lock.ts";
import { SHORT_STRING_BYTES } from "./reading.ts";
import { fullTableName, parseTableName, type TableName } from "../table_name.ts";

/** The lock is a queue, so the feed must leave room for the rest of its name. */
const LONGEST_BYTES = SHORT_STRING_BYTES - lockName("12345678", "").length;

/** The feed's name unless one is given: the full table names, sorted. Adding a table changes it. */
export function defaultFeedName(tables: readonly TableName[], database: string): string {
  return tables.map((table) => fullTableName(table, database)).sort().join("+");
}

/** The tables of a feed that has the name it has by default; none of one with a name of its own. */
export function tablesOfFeed(name: string): readonly TableName[] {
  const parts = name.match(/(?:"[^"]*"|[^"+])+/g) ?? [];
  const tables = parts.map(parseTableName).filter((table) => table?.database !== undefined);
  return tables.length === parts.length ? tables as TableName[] : [];
}

/** What is wrong with a feed's name, as a text; `undefined` when it is good. */
export function feedNameProblem(name: string): string | undefined {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes === 0) return "expected a name";
  if (bytes > LONGEST_BYTES) return `longer than ${LONGEST_BYTES} bytes (it is ${bytes})`;
  if (/\p{Cc}/u.test(name)) return "holds a control character";
  // These stand in cursor_store beside the feeds' names.
  if (name === ORIGINAL_KEY) return "the original program's cursor has this name";
  if (name.endsWith(SCAN_SUFFIX)) return "names ending in /scan are kept for the cursors of running scans";
  if (name.endsWith(OWNER_SUFFIX)) return "names ending in /owner are kept for the feeds' owners";
  if (name.endsWith(TABLES_SUFFIX)) return "names ending in /tables are kept for what the feeds' tables are";
  return undefined;
}
