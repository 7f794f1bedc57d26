import { AgentError, type ErrorKind } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import { fullTableName, quoteIdentifier, quoteTableName, type TableName } from "../table_name.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** Database and schema are given. */
export type WholeName = TableName & { readonly database: string; readonly schema: string };

/** What a table is called; the schema is `undefined` where the user may not see it (v21.2 without CONNECT). */
export interface PresentName {
  /** Its last name. */
  readonly table: string;
  /** Its schema. */
  readonly schema: string | undefined;
}

/** Tables as they were called at one time, with their ids. */
export class TableCatalog {
  readonly #ids: ReadonlyMap<string, string>;
  readonly #names: ReadonlyMap<string, PresentName>;

  /**
   * What was found.
   *
   * @param ids by whole name, as {@linkcode fullTableName} writes it
   * @param names by id
   */
  constructor(ids: ReadonlyMap<string, string>, names: ReadonlyMap<string, PresentName>) {
    this.#ids = ids;
    this.#names = names;
  }

  /** The id of the table that had this name; `undefined` where none had. */
  idOf(name: WholeName): string | undefined {
    return this.#ids.get(keyOf(name));
  }

  /** The name of the table with this id; `undefined` where there was none. */
  nameOf(id: string): PresentName | undefined {
    return this.#names.get(id);
  }
}

/** What is asked of a catalog. */
export interface CatalogQuestion {
  /** Where the ids are. */
  readonly databases: readonly string[];
  /** Names to find ids for. */
  readonly names?: readonly WholeName[];
  /** Ids to find names for; those of the names are found too. */
  readonly ids: Iterable<string>;
  /** As of then; default: at present. */
  readonly at?: Hlc | undefined;
}

/** Where a name leads nowhere, the changefeed says why. */
const NO_ID: readonly ErrorKind[] = ["TableMissing", "SourceDenied"];

/**
 * Asks for tables by name and by id, as they were at a time, or are now: `REGCLASS` finds a name's id whatever the user may
 * see, `pg_class` has an index by id (v21.2 and v22.1, both run for real). Neither needs `crdb_internal`.
 *
 * @throws AgentError
 */
export async function tableCatalog(sql: SqlConnection, question: CatalogQuestion): Promise<TableCatalog> {
  const { databases, names = [], at } = question;
  const ids = await idsOf(sql, names, at);
  const wanted = new Set([...question.ids, ...ids.values()]), found = new Map<string, PresentName>();
  for (const database of wanted.size === 0 ? [] : new Set(databases)) {
    const { rows } = await sql.query<{ id: string; schema: string | null; name: string }>(
      `Cannot ask CockroachDB what tables of database "${database}" are called`,
      namesQuery(database, [...wanted], at),
    );
    for (const { id, schema, name } of rows) found.set(id, { table: name, schema: schema ?? undefined });
  }
  return new TableCatalog(ids, found);
}

/** All at once, and one by one where one of them is missing. */
async function idsOf(
  sql: SqlConnection,
  names: readonly WholeName[],
  at: Hlc | undefined,
): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const attempted = `Cannot ask CockroachDB for the id of ${
    names.map((name) => `"${keyOf(name)}"`).join(", ")
  }`;
  try {
    const { rows } = await sql.query<Record<string, string>>(attempted, idsQuery(names, at));
    return new Map(names.map((name, index) => [keyOf(name), rows[0]![`t${index}`]!]));
  } catch (failure) {
    if (!NO_ID.includes(AgentError.from(failure).kind)) throw failure;
    const each = [];
    if (names.length > 1) { for (const name of names) each.push(...await idsOf(sql, [name], at)); }
    return new Map(each);
  }
}

function idsQuery(names: readonly WholeName[], at: Hlc | undefined): string {
  const ids = names.map((name, index) =>
    `${quoteText(quoteTableName({ ...name }))}::REGCLASS::OID::INT8::STRING AS t${index}`
  );
  return `SELECT ${ids.join(", ")} FROM (VALUES (1))${asOf(at)}`;
}

function namesQuery(database: string, ids: readonly string[], at: Hlc | undefined): string {
  const catalog = `${quoteIdentifier(database)}.pg_catalog`;
  return "SELECT c.oid::INT8::STRING AS id, n.nspname::STRING AS schema, c.relname::STRING AS name " +
    `FROM ${catalog}.pg_class AS c LEFT JOIN ${catalog}.pg_namespace AS n ON n.oid = c.relnamespace` +
    `${asOf(at)} WHERE c.oid IN (${ids.join(", ")})`;
}

function asOf(at: Hlc | undefined): string {
  return at === undefined ? "" : ` AS OF SYSTEM TIME '${at}'`;
}

function keyOf({ database, schema, table }: WholeName): string {
  return fullTableName({ database, schema, table }, database);
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
