import type { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import type { ChangefeedOption } from "../settings/changefeed_option.ts";
import { quoteIdentifier, type TableName } from "../table_name.ts";
import { jsonItems, jsonMembers } from "./json_member.ts";
import type { SqlConnection } from "./sql_connection.ts";
import { envelopeShape } from "./statement.ts";

/** A collated string in a primary key. */
export interface CollatedColumn {
  /** Its name. */
  readonly name: string;
  /** Its place in the key, from 0. */
  readonly place: number;
}

/** The collated strings in the primary keys of tables, by what the feed's table column holds; no others are in it. */
export type CollatedKeys = ReadonlyMap<string, readonly CollatedColumn[]>;

/** Which keys are asked for. */
export interface KeyQuestion {
  /** What the tables are called. */
  readonly targets: readonly TableName[];
  /** What the feed's table column holds for each. */
  readonly shown: readonly string[];
  /** The connection's. */
  readonly database: string;
  /** As of then; `undefined`: at present. */
  readonly at: Hlc | undefined;
}

/**
 * Asks which tables have a collated string (`STRING COLLATE de`) in their primary key. Of such a column the key's encoding
 * holds only what it is sorted by. A deletion has nothing else: its key is not that of the row (recordings `composite_keys`).
 *
 * @throws AgentError
 */
export async function collatedKeys(sql: SqlConnection, question: KeyQuestion): Promise<CollatedKeys> {
  const keys = new Map<string, readonly CollatedColumn[]>();
  for (const [index, table] of question.targets.entries()) {
    const columns = await collatedColumns(sql, table, question);
    if (columns.length > 0) keys.set(question.shown[index]!, columns);
  }
  return keys;
}

/** Without a database of its own a name is looked up in the connection's (v21.2 and v22.1, run for real). */
async function collatedColumns(
  sql: SqlConnection,
  { database, schema = "public", table }: TableName,
  { database: connected, at }: KeyQuestion,
): Promise<CollatedColumn[]> {
  const place = database === undefined || database === connected ? "" : `${quoteIdentifier(database)}.`;
  const of = "(table_catalog, table_schema, table_name";
  const { rows } = await sql.query<{ name: string; ordinal: string | number }>(
    `Cannot ask for the primary key of "${table}"`,
    "SELECT column_name::STRING AS name, k.ordinal_position AS ordinal " +
      `FROM ${place}information_schema.table_constraints AS t ` +
      `JOIN ${place}information_schema.key_column_usage AS k USING ${of}, constraint_name) ` +
      `JOIN ${place}information_schema.columns AS c USING ${of}, column_name) ` +
      (at === undefined ? "" : `AS OF SYSTEM TIME '${at}' `) +
      "WHERE t.constraint_type = 'PRIMARY KEY' AND c.collation_name IS NOT NULL " +
      "AND table_schema = $1 AND table_name = $2 ORDER BY k.ordinal_position",
    [schema, table],
  ).catch((error: AgentError) => {
    if (error.action === "retry") throw error;
    return { rows: [] }; // the changefeed says why
  });
  return rows.map(({ name, ordinal }) => ({ name, place: Number(ordinal) - 1 }));
}

/** What a changefeed is made of, as far as it tells the rows that were deleted. */
export interface DeletionOptions {
  /** The value has the row before. */
  readonly diff: boolean;
  /** At least one. */
  readonly tables: readonly TableName[];
  /** The operator's own options of the statement. */
  readonly options: readonly ChangefeedOption[];
}

/** True where {@linkcode keyOfDeleted} finds the row before. A column family may lack the key's text in rows too. */
export function tellsDeletedRows({ diff, tables, options }: DeletionOptions): boolean {
  const shape = envelopeShape(options);
  const byFamily = tables.some(({ family }) => family !== undefined) ||
    options.some(({ name }) => name === "split_column_families");
  return diff && !byFamily && (shape === "wrapped" || shape === "row");
}

/**
 * The key of the row that was deleted: the collated strings of the deletion's key replaced by those of the row before.
 *
 * @param value a wrapped value with `before`
 */
export function keyOfDeleted(key: string, value: string, columns: readonly CollatedColumn[]): string {
  const before = jsonMembers(value).find(({ name }) => name === "before");
  if (before === undefined) return key;
  const members = jsonMembers(value, before.start);
  let identifying = key;
  for (const { name, place } of columns.toReversed()) { // from the end on, so that the places before stay
    const member = members.find((member) => JSON.parse(`"${member.name}"`) === name);
    const item = jsonItems(key)[place];
    if (member === undefined || item === undefined) continue; // no row was there, so there is none to confuse it with
    identifying = identifying.slice(0, item.start) + value.slice(member.start, member.end) +
      identifying.slice(item.end);
  }
  return identifying;
}
