import type { Row, Shape } from "./table_history.ts";
import { rowJson } from "./table_history.ts";
import { TokenReader } from "./sql_lexer.ts";

/** A column family of a table. */
export interface ColumnFamily {
  readonly name: string;
  /** Names of its columns. */
  readonly columns: readonly string[];
}

/** What CREATE TABLE says about families: the table, and its families; `undefined` for any other statement. */
export function createdFamilies(
  sql: string,
): { readonly path: readonly string[]; readonly families: readonly ColumnFamily[] } | undefined {
  const reader = new TokenReader(sql);
  if (!reader.accept("CREATE", "TABLE")) return undefined;
  reader.accept("IF", "NOT", "EXISTS");
  const path = reader.path();
  const families: ColumnFamily[] = [];
  for (; !reader.done; reader.next()) {
    if (!reader.accept(",", "FAMILY") && !reader.accept("(", "FAMILY")) continue;
    const name = reader.identifier();
    if (reader.peek()?.text !== "(") continue; // a column of that name
    const columns: string[] = [];
    while (reader.accept("(") || reader.accept(",")) columns.push(reader.identifier() ?? "");
    families.push({ name: name ?? `fam_${families.length}_${columns.join("_")}`, columns });
  }
  return { path, families };
}

/** The rows of a table as one of its families has them. */
export class FamilyView {
  readonly #families: readonly ColumnFamily[];
  readonly #family: ColumnFamily;
  readonly #shapes = new WeakMap<Shape, Shape>();

  constructor(families: readonly ColumnFamily[], family: ColumnFamily) {
    this.#families = families;
    this.#family = family;
  }

  /** The row as JSON with the family's columns; `undefined` where it has none stored: all but the first may be missing. */
  json(row: Row | undefined): string | undefined {
    if (row === undefined) return undefined;
    const shape = this.#shapeOf(row.shape);
    const isStored = this.#isFirst ||
      shape.columns.some((column) => row.values[row.shape.columns.indexOf(column)] !== null);
    return isStored ? rowJson(row, shape) : undefined;
  }

  #shapeOf(shape: Shape): Shape {
    let view = this.#shapes.get(shape);
    if (view === undefined) {
      view = { columns: shape.columns.filter(({ name }) => this.#holds(name)), primaryKey: [] };
      this.#shapes.set(shape, view);
    }
    return view;
  }

  /** Columns that no family names are in the first. */
  #holds(column: string): boolean {
    if (this.#family.columns.includes(column)) return true;
    return this.#isFirst && !this.#families.some(({ columns }) => columns.includes(column));
  }

  get #isFirst(): boolean {
    return this.#family === this.#families[0];
  }
}
