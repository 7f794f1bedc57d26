/** A table as the operator named it, each part as it is stored by CockroachDB (unquoted parts lower-cased). */
export interface TableName {
  /** `undefined` when not given: the connection's. */
  readonly database: string | undefined;
  /** `undefined` when not given: `public`. */
  readonly schema: string | undefined;
  /** Never empty. */
  readonly table: string;
}

/** The same with and without quotes, whatever the rules for other alphabets are. */
const PLAIN_IDENTIFIER = /^[a-z_][a-z0-9_$]*$/;

/**
 * Reads `t`, `schema.t` or `database.schema.t`. Parts may be quoted as in SQL (`"Weird ""Table"`); unquoted
 * parts are lower-cased and composed (NFC) as CockroachDB does. `undefined` when the text is none of these.
 */
export function parseTableName(text: string): TableName | undefined {
  const parts = splitIdentifiers(text.trim());
  if (parts === undefined || parts.length > 3) return undefined;
  const [table, schema, database] = parts.reverse();
  return table === undefined ? undefined : { database, schema, table };
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

/** The table for a changefeed statement, every given part quoted. */
export function quoteTableName(name: TableName): string {
  return [name.database, name.schema, name.table]
    .filter((part) => part !== undefined)
    .map(quoteIdentifier)
    .join(".");
}

/** `database.schema.table` with CockroachDB's default schema filled in; parts that are not plain are quoted. */
export function fullTableName(name: TableName, defaultDatabase: string): string {
  return [name.database ?? defaultDatabase, name.schema ?? "public", name.table]
    .map((part) => PLAIN_IDENTIFIER.test(part) ? part : quoteIdentifier(part))
    .join(".");
}
