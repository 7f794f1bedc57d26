import { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import type { ChangefeedOption } from "../settings/changefeed_option.ts";
import { fullTableName, tableColumn, type TableName } from "../table_name.ts";
import type { TableIds } from "../table_ids.ts";
import type { WireRow } from "./envelope.ts";
import type { SqlConnection } from "./sql_connection.ts";
import { type CatalogQuestion, TableCatalog, tableCatalog, type WholeName } from "./table_catalog.ts";
import { identify, refuseReplaced, withSchema } from "./table_identity.ts";
import { TableColumns, type Watched } from "./table_columns.ts";
import { isAtLeast, type Version } from "./version.ts";

/** What is watched. */
export interface WatchedOptions {
  /** The connection's. */
  readonly database: string;
  /** At least one. */
  readonly tables: readonly TableName[];
  /** A CDC query, which names its table itself. */
  readonly query: string | undefined;
  /** The operator's own options of the statement. */
  readonly options: readonly ChangefeedOption[];
  /** Told that a table is called otherwise than the feed calls it. */
  readonly renamed?: ((table: string, present: string) => void) | undefined;
}

/**
 * The tables of one session of a feed. They are watched by id: a table that is renamed is read on, under the name that was
 * given, and a name that comes to stand for another table ends the feed.
 *
 * CockroachDB looks the statement's names up as of its cursor, so that is where the ids and the statement's names are asked
 * for (changefeedPlanHook of changefeed_stmt.go, v21.2-alpha). Up to v22.1 the rows have the name that the table had when
 * they were committed; from v22.2 on they have the statement's (recordings renamed, two_tables_swap_names; TopicNamer of
 * topic.go).
 */
export class WatchedTables {
  /** Their ids, as far as there are any, by whole name. */
  readonly ids: TableIds;
  /** What the statement calls them. */
  readonly targets: readonly TableName[];
  readonly #sql: SqlConnection;
  readonly #options: WatchedOptions;
  readonly #watched: readonly (Watched & { readonly name: WholeName; readonly id: string | undefined })[];
  readonly #columns: TableColumns;
  readonly #namesOfStatement: boolean;
  /** What the tables were called when they were last asked for. */
  #present: TableCatalog;

  private constructor(
    sql: SqlConnection,
    options: WatchedOptions,
    version: Version,
    ids: ReadonlyMap<string, string | undefined>,
    catalogs: { readonly then: TableCatalog; readonly now: TableCatalog },
  ) {
    const asked = new Set(options.options.map(({ name }) => name)), full = asked.has("full_table_name");
    this.#sql = sql;
    this.#options = options;
    this.#namesOfStatement = isAtLeast(version, 22, 2);
    this.#present = new TableCatalog(new Map(), new Map());
    this.ids = new Map([...ids].filter((entry): entry is [string, string] => entry[1] !== undefined));
    this.#watched = options.tables.map((table) => {
      const name = wholeName(table, options.database), id = ids.get(fullName(name));
      const then = id === undefined ? undefined : catalogs.then.nameOf(id);
      const family = table.family === undefined ? {} : { family: table.family };
      return {
        name,
        id,
        target: { ...then === undefined ? name : withSchema(then, name), ...family },
        shown: tableColumn(table, options.database, full),
      };
    });
    this.targets = this.#watched.map(({ name, target }, index) =>
      fullName(name) === fullName(target) ? options.tables[index]! : target
    );
    this.#columns = new TableColumns(this.#watched, {
      full: full && this.#namesOfStatement,
      families: options.query !== undefined || asked.has("split_column_families"),
      version: version.text,
    });
    this.#tellRenamed(catalogs.now);
  }

  /**
   * Asks for the tables of a session that starts at this cursor.
   *
   * @throws AgentError
   */
  static async at(
    cursor: Hlc,
    known: TableIds | undefined,
    options: WatchedOptions,
    sql: SqlConnection,
    version: Version,
  ): Promise<WatchedTables> {
    const names = distinct(options.tables.map((table) => wholeName(table, options.database)));
    const databases = names.map(({ database }) => database), ids = new Set(known?.values());
    const then = await tableCatalog(sql, { databases, names, ids, at: cursor });
    for (const name of names) ids.add(then.idOf(name) ?? "0");
    const now = await tableCatalog(sql, { databases, names, ids });
    const tables = new WatchedTables(sql, options, version, identify(names, { known, then, now }), {
      then,
      now,
    });
    tables.#refuseQuery();
    return tables;
  }

  /** The name in the messages for what the feed's table column holds. */
  readonly shownFor = (column: string): string => this.#columns.shownFor(column);

  /** Nothing has to be asked about these rows: they are of tables that are known, and none is a resolved timestamp. */
  areKnown(rows: readonly WireRow[]): boolean {
    let last: string | null = null;
    for (const { table } of rows) {
      if (table === null) return false;
      if (table !== last && !this.#columns.has(table)) return false;
      last = table;
    }
    return true;
  }

  /**
   * Asks about rows that are not known. A resolved timestamp among them is not passed on before it is sure that no name
   * stands for another table: then the cursor is never behind such a change, whatever the rows are called.
   *
   * @param updatedOf the row's timestamp, if it has one
   * @throws AgentError TableReplaced, UnknownTable
   */
  async admit(rows: readonly WireRow[], updatedOf: (row: WireRow) => Hlc | undefined): Promise<void> {
    for (const row of rows) {
      const { table } = row;
      if (table !== null && !this.#columns.has(table)) await this.#learn(table, updatedOf(row));
    }
    if (rows.some(({ table }) => table === null)) await this.#check();
  }

  /** What a table was called when a row of it was committed. */
  async #learn(column: string, updated: Hlc | undefined): Promise<void> {
    if (this.#columns.recognise(column)) return;
    if (!this.#namesOfStatement) {
      const catalog = await this.#catalog({ at: updated });
      const called = this.#watched.filter(({ id }) =>
        id !== undefined && catalog.nameOf(id)?.table === column
      );
      if (called.length === 1) return this.#columns.add(column, called[0]!.shown);
    }
    throw new AgentError("UnknownTable", `A row is of table "${column}", which is none of this feed's`);
  }

  async #check(): Promise<void> {
    const now = await this.#catalog();
    if (this.#watched.every(({ id }) => id === undefined || this.#isAsBefore(id, now))) return;
    const all = await this.#catalog({ names: this.#watched.map(({ name }) => name) });
    for (const { name, id, shown } of this.#watched) {
      const present = id === undefined ? undefined : all.nameOf(id);
      if (id === undefined || present === undefined) continue; // gone, which CockroachDB tells after what came before
      refuseReplaced(name, id, all);
      if (!this.#namesOfStatement) this.#refuseShared(present.table, shown);
    }
    this.#tellRenamed(all);
  }

  /** Where rows have their table's present name, it must not have been that of another table in this session. */
  #refuseShared(column: string, shown: string): void {
    const other = this.#columns.has(column) ? this.#columns.shownFor(column) : shown;
    if (other === shown) return;
    const message = `Cannot tell "${shown}" and "${other}" apart any more: both have been called "${column}"`;
    throw new AgentError("TableReplaced", message, {
      hint: "rename one of them; versions before v22.2 give a row the name that its table had at the time",
    });
  }

  #isAsBefore(id: string, now: TableCatalog): boolean {
    const name = now.nameOf(id), before = this.#present.nameOf(id);
    return name !== undefined && name.table === before?.table && name.schema === before.schema;
  }

  #tellRenamed(now: TableCatalog): void {
    for (const { name, id } of this.#watched) {
      const present = id === undefined ? undefined : now.nameOf(id);
      if (id === undefined || present === undefined || this.#isAsBefore(id, now)) continue;
      const isCalled = fullName(withSchema(present, name));
      if (isCalled !== fullName(name)) this.#options.renamed?.(fullName(name), isCalled);
    }
    this.#present = now;
  }

  /** A query names its table itself, so it cannot be given the name that the table had at the cursor. */
  #refuseQuery(): void {
    const [table] = this.#watched;
    if (this.#options.query === undefined || table === undefined) return;
    const name = fullName(table.name), target = fullName(table.target);
    if (name === target) return;
    throw new AgentError(
      "TableReplaced",
      `Cannot run the query: its "${name}" was called "${target}" at the cursor`,
      {
        hint: `name it so in --query until the cursor is behind the renaming, or run \`cursor delete\``,
      },
    );
  }

  #catalog(question: Pick<CatalogQuestion, "names" | "at"> = {}): Promise<TableCatalog> {
    const databases = this.#watched.map(({ name }) => name.database);
    return tableCatalog(this.#sql, { databases, ids: this.ids.values(), ...question });
  }
}

function wholeName({ database, schema, table }: TableName, connected: string): WholeName {
  return { database: database ?? connected, schema: schema ?? "public", table };
}

function fullName({ database, schema, table }: WholeName): string {
  return fullTableName({ database, schema, table }, database);
}

/** Families of one table are one table. */
function distinct(names: readonly WholeName[]): WholeName[] {
  return [...new Map(names.map((name) => [fullName(name), name])).values()];
}
