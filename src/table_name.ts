/** A table as the operator named it, each part as it is stored by CockroachDB (unquoted parts lower-cased). */
export interface TableName {
  /** `undefined` when not given: the connection's. */
  readonly database: string | undefined;
  /** `undefined` when not given: `public`. */
  readonly schema: string | undefined;
  /** Never empty. */
  readonly table: string;
  /** There when only this column family of the table is watched. */
  readonly family?: string;
}

/** The same with and without quotes, whatever the rules for other alphabets are. */
const PLAIN_IDENTIFIER = /^[a-z_][a-z0-9_$]*$/;

const FAMILY = /^(.*\S)\s+family\s+(\S.*)$/isu;

/**
 * Reads `t`, `schema.t` or `database.schema.t`, with `FAMILY f` behind it for one column family. Parts may be quoted as in
 * SQL (`"Weird ""Table"`); unquoted parts are lower-cased and composed (NFC) as CockroachDB does. `undefined` when the
 * text is none of these.
 */
export function parseTableName(text: string): TableName | undefined {
  const name = text.trim();
  const whole = splitIdentifiers(name);
  if (whole !== undefined) return tableName(whole);
  const [, table = "", family = ""] = FAMILY.exec(name) ?? [];
  const families = splitIdentifiers(family), parsed = tableName(splitIdentifiers(table) ?? []);
  return families?.length === 1 && parsed !== undefined ? { ...parsed, family: families[0]! } : undefined;
}

function tableName(parts: readonly string[]): TableName | undefined {
  const [table, schema, database] = parts.toReversed();
  return table === undefined || parts.length > 3 ? undefined : { database, schema, table };
}

function splitIdentifiers(text: string): string[] | undefined {
  const parts: string[] = [];
  const part = /("(?:[^"\0]|"")+"|[^\s".,;'()\0]+)(\.|$)/uy;
  for (;;) {
    const match = part.exec(text);
    const [, identifier, separator] = match ?? [];
    if (identifier === undefined) return undefined;
    parts.push(
      identifier.startsWith('"')
        ? identifier.slice(1, -1).replaceAll('""', '"')
        : identifier.toLowerCase().normalize(),
    );
    if (separator === "") return parts;
  }
}

/** Quotes an identifier for SQL; every text, quotes included, comes through unchanged. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** The table for a statement, every given part quoted. */
export function quoteTableName(name: TableName): string {
  return [name.database, name.schema, name.table]
    .filter((part) => part !== undefined)
    .map(quoteIdentifier)
    .join(".");
}

/** The target for a changefeed statement: the table, and its column family if only that is watched. */
export function quoteTarget(name: TableName): string {
  const table = quoteTableName(name);
  return name.family === undefined ? table : `${table} FAMILY ${quoteIdentifier(name.family)}`;
}

/** The table for a statement of somebody who is elsewhere in SQL: its whole name, every part quoted. */
export function quoteWholeName({ database, schema, table }: TableName, defaultDatabase: string): string {
  return quoteTableName({ database: database ?? defaultDatabase, schema: schema ?? "public", table });
}

/**
 * `database.schema.table` with CockroachDB's default schema filled in; parts that are not plain are quoted. The column
 * family follows as it is: `shop.public.orders.meta`.
 */
export function fullTableName(name: TableName, defaultDatabase: string): string {
  const table = [name.database ?? defaultDatabase, name.schema ?? "public", name.table]
    .map((part) => PLAIN_IDENTIFIER.test(part) ? part : quoteIdentifier(part))
    .join(".");
  return withFamily(table, name);
}

/** What the feed's table column holds: the last name, or all of it with `full_table_name`, and the column family. */
export function tableColumn(name: TableName, defaultDatabase: string, full: boolean): string {
  return full ? fullTableName(name, defaultDatabase) : withFamily(name.table, name);
}

function withFamily(table: string, { family }: TableName): string {
  return family === undefined ? table : `${table}.${family}`;
}
