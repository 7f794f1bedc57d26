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

/** Options that take no value (false), need one (true), or may have one (undefined). */
const OPTIONS: ReadonlyMap<string, boolean | undefined> = new Map([
  ["confluent_schema_registry", true],
  ["cursor", true],
  ["envelope", true],
  ["format", true],
  ["full_table_name", false],
  ["initial_scan", undefined],
  ["key_in_value", false],
  ["no_initial_scan", false],
  ["resolved", undefined],
  ["updated", false],
  ["diff", false],
  ["compression", true],
  ["schema_change_events", true],
  ["schema_change_policy", true],
  ["protect_data_from_gc_on_pause", false],
]);

const MODERN_OPTIONS: ReadonlyMap<string, boolean | undefined> = new Map([
  ...OPTIONS,
  ["min_checkpoint_frequency", true],
  ["initial_scan_only", false],
  ["end_time", true],
  ["mvcc_timestamp", false],
  ["virtual_columns", true],
  ["split_column_families", false],
  ["topic_in_value", false],
  ["unordered", false],
  ["execution_locality", true],
  ["lagging_ranges_threshold", true],
  ["lagging_ranges_polling_interval", true],
  ["gc_protect_expires_after", true],
  ["ignore_disable_changefeed_replication", false],
  ["metrics_label", true],
  ["on_error", true],
]);

/** From v25.2 on. */
const ENRICHED_OPTIONS: ReadonlyMap<string, boolean | undefined> = new Map([
  ...MODERN_OPTIONS,
  ["enriched_properties", true],
]);

/**
 * Reads `EXPERIMENTAL CHANGEFEED FOR …` or `CREATE CHANGEFEED FOR …`; `undefined` when it is another statement.
 *
 * @throws SqlError for an option this version does not know (recording error-bad-option)
 */
export function parseChangefeed(sql: string, version: VersionProfile): ChangefeedStatement | undefined {
  const query = version.since(22, 2) ? QUERY.exec(sql) : null;
  if (query !== null) return parseQuery(query[1]!, query[2]!, version);
  const reader = new TokenReader(sql);
  const known = reader.accept("EXPERIMENTAL", "CHANGEFEED", "FOR") ||
    reader.accept("CREATE", "CHANGEFEED", "FOR");
  if (!known) return undefined;
  const targets: ChangefeedTarget[] = [];
  do {
    if (reader.peek()?.text.toUpperCase() === "TABLE" && reader.peek(1)?.text !== ",") reader.next();
    const path = reader.path();
    if (path.length === 0 || path.length > 3) throw syntaxError(reader);
    const family = version.modern && reader.accept("FAMILY") ? reader.identifier() : undefined;
    targets.push({ path, family });
  } while (reader.accept(","));
  const options = reader.accept("WITH") ? readOptions(reader, optionsOf(version)) : new Map();
  if (!reader.done) throw syntaxError(reader);
  return { targets, query: undefined, options };
}

/** From v22.2 on (page cdc-queries): options come before the query. */
const QUERY = /^\s*(CREATE\s+CHANGEFEED(?:\s+WITH\s.*?)?)\s+AS\s+(SELECT\s.*)$/is;

function parseQuery(head: string, query: string, version: VersionProfile): ChangefeedStatement {
  const reader = new TokenReader(head);
  reader.accept("CREATE", "CHANGEFEED");
  const options = reader.accept("WITH") ? readOptions(reader, optionsOf(version)) : new Map<string, string>();
  if (!reader.done) throw syntaxError(reader);
  const target = new TokenReader(query);
  while (!target.done && !target.accept("FROM")) target.next();
  const path = target.path();
  if (path.length === 0) throw syntaxError(target);
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

function optionsOf(version: VersionProfile): ReadonlyMap<string, boolean | undefined> {
  if (version.since(25, 2)) return ENRICHED_OPTIONS;
  return version.modern ? MODERN_OPTIONS : OPTIONS;
}

function readOptions(
  reader: TokenReader,
  known: ReadonlyMap<string, boolean | undefined>,
): Map<string, string> {
  const options = new Map<string, string>();
  do {
    const name = reader.identifier();
    if (name === undefined) throw syntaxError(reader);
    const value = reader.accept("=") ? reader.value() : undefined;
    if (!known.has(name)) throw invalidOption(`invalid option "${name}"`);
    const takesValue = known.get(name);
    if (takesValue === true && value === undefined) throw invalidOption(`option "${name}" requires a value`);
    if (takesValue === false && value !== undefined) {
      throw invalidOption(`option "${name}" does not take a value`);
    }
    options.set(name, value ?? "");
  } while (reader.accept(","));
  return options;
}

function invalidOption(message: string): SqlError {
  return new SqlError(UNCATEGORIZED, message, ["planner.go", "611", "TypeAsStringOpts"]);
}

function syntaxError(reader: TokenReader): SqlError {
  const near = reader.peek()?.text ?? "EOF";
  return new SqlError("42601", `at or near "${near}": syntax error`);
}
