import { quoteIdentifier } from "../../src/table_name.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import { TokenReader } from "./sql_lexer.ts";
import type { VersionProfile } from "./version.ts";

/** What a changefeed is to watch. */
export interface ChangefeedTarget {
  /** `[table]`, `[schema or database, table]` or `[database, schema, table]`. */
  readonly path: readonly string[];
  /** Only this column family of it. */
  readonly family: string | undefined;
}

/** A changefeed as it was asked for. */
export interface ChangefeedStatement {
  readonly targets: readonly ChangefeedTarget[];
  /** A CDC query of the one target, as it was written; `undefined`: whole rows. */
  readonly query: string | undefined;
  /** Names in lower case; bare words have an empty value. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * Reads `EXPERIMENTAL CHANGEFEED FOR …` or `CREATE CHANGEFEED FOR …`; `undefined` when it is another statement.
 *
 * @throws SqlError for an option this version does not know (recording error-bad-option)
 */
export function parseChangefeed(sql: string, version: VersionProfile): ChangefeedStatement | undefined {
  const query = version.queries ? QUERY.exec(sql) : null;
  if (query !== null) return parseQuery(query[1]!, query[2]!, version);
  const reader = new TokenReader(sql);
  const known = reader.accept("EXPERIMENTAL", "CHANGEFEED", "FOR") ||
    reader.accept("CREATE", "CHANGEFEED", "FOR");
  if (!known) {
    if (!reader.accept("CREATE", "CHANGEFEED")) return undefined;
    throw syntaxError(reader, sql, version).withHint("try \\h CREATE");
  }
  const targets: ChangefeedTarget[] = [];
  do {
    if (reader.peek()?.text.toUpperCase() === "TABLE" && reader.peek(1)?.text !== ",") reader.next();
    const path = reader.path();
    if (path.length === 0 || path.length > 3) throw syntaxError(reader, sql, version);
    const family = version.familyTargets && reader.accept("FAMILY") ? reader.identifier() : undefined;
    targets.push({ path, family });
  } while (reader.accept(","));
  const options = reader.accept("WITH") ? readOptions(reader, sql, version) : new Map();
  if (!reader.done) throw syntaxError(reader, sql, version);
  return { targets, query: undefined, options };
}

/**
 * The statement as `SHOW CLUSTER QUERIES` writes it, whatever its first words were (recordings cancelled of v21.2 and v22.1;
 * tree.CreateChangefeed.Format: "sinkless feeds don't really CREATE anything").
 */
export function shownChangefeed({ targets, query, options }: ChangefeedStatement): string {
  const texts = [...options].map(([name, value]) =>
    value === "" ? name : `${name} = '${value.replaceAll("'", "''")}'`
  );
  const clause = texts.length === 0 ? "" : ` WITH ${texts.join(", ")}`;
  if (query !== undefined) return `CREATE CHANGEFEED${clause} AS ${query}`;
  const names = targets.map(({ path, family }) =>
    path.map(shownName).join(".") + (family === undefined ? "" : ` FAMILY ${shownName(family)}`)
  );
  return `EXPERIMENTAL CHANGEFEED FOR TABLE ${names.join(", ")}${clause}`;
}

function shownName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : quoteIdentifier(name);
}

/** From v22.2 on (page cdc-queries): options come before the query. */
const QUERY = /^\s*(CREATE\s+CHANGEFEED(?:\s+WITH\s.*?)?)\s+AS\s+(SELECT\s.*)$/is;

function parseQuery(head: string, query: string, version: VersionProfile): ChangefeedStatement {
  const sql = head;
  const reader = new TokenReader(sql);
  reader.accept("CREATE", "CHANGEFEED");
  const options = reader.accept("WITH") ? readOptions(reader, sql, version) : new Map<string, string>();
  if (!reader.done) throw syntaxError(reader, sql, version);
  const target = new TokenReader(query);
  while (!target.done && !target.accept("FROM")) target.next();
  const path = target.path();
  if (path.length === 0) throw syntaxError(target, query, version);
  if (target.accept(",")) {
    throw new SqlError(
      UNCATEGORIZED,
      "CREATE CHANGEFEED ... AS SELECT ... is not supported for more than 1 table",
    );
  }
  // What a query is not told otherwise (ChangefeedStatement.SetDefaultEnvelope).
  return {
    targets: [{ path, family: undefined }],
    query,
    options: new Map([["envelope", "bare"], ...options]),
  };
}

function readOptions(reader: TokenReader, sql: string, version: VersionProfile): Map<string, string> {
  const options = new Map<string, string>();
  do {
    const name = reader.identifier();
    if (name === undefined) throw syntaxError(reader, sql, version);
    const value = reader.accept("=") ? reader.value() : undefined;
    if (!version.options.has(name)) throw version.failure("invalidOption", { option: name });
    const takesValue = version.options.get(name);
    if (takesValue === true && value === undefined) {
      throw version.failure("optionNeedsValue", { option: name });
    }
    if (takesValue === false && value !== undefined) {
      throw version.failure("optionTakesNoValue", { option: name });
    }
    options.set(name, value ?? "");
  } while (reader.accept(","));
  return options;
}

/** The error at the next token, with its place. */
function syntaxError(reader: TokenReader, sql: string, version: VersionProfile): SqlError {
  const near = reader.peek()?.text.toLowerCase() ?? "EOF";
  return version.failure("syntax", { near })
    .withDetail(`source SQL:\n${sql}\n${" ".repeat(reader.offset)}^`);
}
