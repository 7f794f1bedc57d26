import { AgentError } from "../errors.ts";
import { parseTableName, tableColumn, type TableName } from "../table_name.ts";
import type { WholeName } from "./table_catalog.ts";

/** A table that the feed watches. */
export interface Watched {
  /** Its name in the messages. */
  readonly shown: string;
  /** Its name in the statement. */
  readonly target: WholeName;
}

/** How the feed was opened, as far as its table column depends on it. */
export interface TableColumnOptions {
  /** The column is made of the statement's name, so of all of it with `full_table_name`; else it is the last name. */
  readonly full: boolean;
  /** Behind the name may stand a column family that was not asked for by name. */
  readonly families: boolean;
  /** CockroachDB's version, for texts. */
  readonly version: string;
}

/** The tables by what the feed's table column holds for them. */
export class TableColumns {
  readonly #watched: readonly Watched[];
  readonly #options: TableColumnOptions;
  readonly #shown = new Map<string, string>();
  #lastColumn: string | undefined;
  #lastShown = "";

  /**
   * Of these tables.
   *
   * @throws AgentError ConfigInvalid where the column cannot tell two of them apart
   */
  constructor(watched: readonly Watched[], options: TableColumnOptions) {
    this.#watched = watched;
    this.#options = options;
    for (const { target, shown } of watched) {
      const column = tableColumn(target, "", options.full), other = this.#shown.get(column);
      if (other !== undefined && other !== shown) throw alike(column, [other, shown], options.version);
      this.#shown.set(column, shown);
    }
  }

  /** The table's name in the messages; asked for each row, and rows of one table come together. */
  shownFor(column: string): string {
    if (column !== this.#lastColumn) {
      this.#lastShown = this.#shown.get(column) ?? column;
      this.#lastColumn = column;
    }
    return this.#lastShown;
  }

  /** It stands for a table. */
  has(column: string): boolean {
    return this.#shown.has(column);
  }

  /** From now on it stands for the table with this name in the messages. */
  add(column: string, shown: string): void {
    this.#shown.set(column, shown);
    this.#lastColumn = undefined;
  }

  /** A name that is written in another way, or has a column family behind it. False where it is neither. */
  recognise(column: string): boolean {
    const family = this.#options.families ? this.#withFamily(column) : undefined;
    const shown = family ?? this.#watched.filter(({ target }) => isName(column, target))[0]?.shown;
    if (shown !== undefined) this.add(column, shown);
    return shown !== undefined;
  }

  #withFamily(column: string): string | undefined {
    const names = [...this.#shown.keys()].filter((name) => column.startsWith(`${name}.`));
    const longest = names.toSorted((a, b) => b.length - a.length)[0];
    return longest === undefined ? undefined : this.#shown.get(longest)! + column.slice(longest.length);
  }
}

/** The whole name, however its parts are quoted. */
function isName(column: string, { database, schema, table, family }: TableName): boolean {
  const parsed = family === undefined ? parseTableName(column) : undefined;
  return parsed?.table === table && parsed.schema === schema && parsed.database === database;
}

function alike(column: string, tables: readonly string[], version: string): AgentError {
  const names = tables.map((table) => `"${table}"`).join(" and ");
  return new AgentError(
    "ConfigInvalid",
    `Cannot tell ${names} apart: CockroachDB ${version} says no more than "${column}" of either`,
    { hint: "run a feed for each of them; one for both needs CockroachDB v22.2 and full_table_name" },
  );
}
