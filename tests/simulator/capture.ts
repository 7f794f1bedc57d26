import type { Clock } from "./clock.ts";
import { parseComposite } from "./composite.ts";
import type { Engine } from "./engine.ts";
import { CATALOG_QUERY } from "./engine_schema.ts";
import type { History, Write } from "./history.ts";
import type { Column, Shape, TableHistory, TablePath } from "./table_history.ts";

interface CatalogTable {
  readonly id: number;
  readonly path: TablePath;
  readonly shape: Shape;
}

const LOG_ROWS_BEFORE_CLEANING = 10_000;

/** Moves what was committed in the engine into the history, with one timestamp a transaction. */
export class Capture {
  readonly #engine: Engine;
  readonly #history: History;
  readonly #clock: Clock;
  readonly #tables = new Map<number, TableHistory>();
  #logged = 0;

  constructor(engine: Engine, history: History, clock: Clock) {
    this.#engine = engine;
    this.#history = history;
    this.#clock = clock;
  }

  /** Call it, holding the engine's lock, when a transaction has committed; `schemaChanged` when it had DDL in it. */
  async afterCommit(schemaChanged: boolean): Promise<void> {
    await this.#engine.becomePrivileged();
    const log = await this.#engine.rows(
      "WITH taken AS (DELETE FROM crdb.log RETURNING *) SELECT relation, before, after FROM taken ORDER BY seq",
    );
    this.#logged += log.length;
    if (this.#logged > LOG_ROWS_BEFORE_CLEANING) {
      this.#logged = 0;
      await this.#engine.rows("TRUNCATE crdb.log");
    }
    const writes: Write[] = [];
    for (const [relation, before, after] of log) {
      const table = this.#tables.get(Number(relation));
      if (table === undefined) continue; // new ones are read as a whole
      if (before === null && after === null) this.#truncate(table, writes);
      else writes.push(writeOf(table, table.shape, before ?? null, after ?? null));
    }
    if (writes.length > 0) this.#history.commit(this.#clock.now(), writes);
    if (schemaChanged) await this.#readCatalog();
  }

  /** The old rows stay readable at older timestamps; feeds that are on the table fail. */
  #truncate(table: TableHistory, writes: Write[]): void {
    for (let i = writes.length - 1; i >= 0; i--) if (writes[i]!.table === table) writes.splice(i, 1);
    const at = this.#clock.now();
    table.dropped = at;
    this.#history.note({ kind: "truncated", at, table });
    const successor = this.#history.create(table.id, table.path, at, table.shape);
    successor.retention = table.retention;
    this.#tables.set(table.id, successor);
  }

  async #readCatalog(): Promise<void> {
    const found = tablesOf(await this.#engine.rows(CATALOG_QUERY));
    for (const [id, table] of this.#tables) {
      if (found.some((other) => other.id === id)) continue;
      table.dropped = this.#clock.now();
      this.#tables.delete(id);
      this.#history.note({ kind: "dropped", at: table.dropped, table });
    }
    for (const { id, path, shape } of found) {
      const table = this.#tables.get(id);
      if (table === undefined) await this.#addTable(id, path, shape);
      else {
        this.#rename(table, path);
        if (!sameShape(table.shape, shape)) await this.#reshape(table, shape);
      }
    }
  }

  async #addTable(id: number, path: TablePath, shape: Shape): Promise<void> {
    const table = this.#history.create(id, path, this.#clock.now(), shape);
    this.#tables.set(id, table);
    const name = await this.#nameOf(id);
    await this.#engine.rows(`
      CREATE TRIGGER capture AFTER INSERT OR UPDATE OR DELETE ON ${name}
        FOR EACH ROW EXECUTE FUNCTION crdb.capture();
      CREATE TRIGGER capture_truncate AFTER TRUNCATE ON ${name}
        FOR EACH STATEMENT EXECUTE FUNCTION crdb.capture_truncate()`);
    const rows = await this.#rowsOf(table, shape);
    if (rows.length > 0) this.#history.commit(this.#clock.now(), rows);
  }

  /** Adding a filled column or dropping one writes every row again (recording schema-change-add-column-…). */
  async #reshape(table: TableHistory, shape: Shape): Promise<void> {
    const old = table.shape;
    const drops = old.columns.some(({ id }) => !shape.columns.some((column) => column.id === id));
    const fills = shape.columns.some(({ id, filled }) =>
      filled && !old.columns.some((column) => column.id === id)
    );
    const asBefore = currentRows(table);
    const rows = fills || drops ? await this.#rowsOf(table, shape) : [];
    // From here to the end nothing waits: feeds must not see half of it.
    if (fills && !drops && asBefore.length > 0) this.#history.commit(this.#clock.now(), asBefore);
    this.#clock.now(); // the resolved timestamp just before the change lies above everything older
    const at = this.#clock.now();
    table.reshape(at, shape);
    if (!sameKey(old, shape)) {
      table.rekey(at);
      this.#history.note({ kind: "rekeyed", at, table });
    }
    if (!fills && !drops) return;
    this.#history.note({ kind: "schema", at, table });
    this.#history.commit(at, rows, { rescan: true });
    if (drops) this.#history.commit(this.#clock.now(), rows);
  }

  #rename(table: TableHistory, path: TablePath): void {
    if (table.path.name === path.name && table.path.schema === path.schema) return;
    const at = this.#clock.now();
    table.rename(at, path);
    this.#history.note({ kind: "renamed", at, table, to: path.name });
  }

  async #rowsOf(table: TableHistory, shape: Shape): Promise<Write[]> {
    const rows = await this.#engine.rows(`SELECT t::text FROM ${await this.#nameOf(table.id)} AS t`);
    return rows.map(([text]) => writeOf(table, shape, null, text ?? null));
  }

  async #nameOf(id: number): Promise<string> {
    const [row] = await this.#engine.rows(
      `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ` +
        `WHERE c.oid = ${id}`,
    );
    return row![0]!;
  }
}

function writeOf(table: TableHistory, shape: Shape, before: string | null, after: string | null): Write {
  const rowOf = (text: string | null) => text === null ? undefined : { shape, values: parseComposite(text) };
  return { table, before: rowOf(before), after: rowOf(after) };
}

function currentRows(table: TableHistory): Write[] {
  return table.keys(undefined).flatMap((key) => {
    const row = table.newest(key);
    return row === undefined ? [] : [{ table, before: row, after: row }];
  });
}

function tablesOf(rows: readonly (readonly (string | null)[])[]): CatalogTable[] {
  const tables = new Map<
    number,
    { path: TablePath; columns: Column[]; key: [order: number, index: number][] }
  >();
  for (const [oid, schema, name, id, column, type, filled, computed, keyPosition] of rows) {
    const table = tables.get(Number(oid)) ?? { path: pathOf(schema!, name!), columns: [], key: [] };
    tables.set(Number(oid), table);
    if (keyPosition !== null) table.key.push([Number(keyPosition), table.columns.length]);
    table.columns.push({
      id: Number(id),
      name: column!,
      type: type!,
      filled: filled === "true" && computed !== "v",
      computed: computed !== "",
      isVirtual: computed === "v",
    });
  }
  return [...tables].map(([id, { path, columns, key }]) => ({
    id,
    path,
    shape: { columns, primaryKey: key.toSorted(([a], [b]) => a - b).map(([, index]) => index) },
  }));
}

function pathOf(engineSchema: string, name: string): TablePath {
  const dot = engineSchema.lastIndexOf(".");
  return dot < 0
    ? { database: "defaultdb", schema: engineSchema, name }
    : { database: engineSchema.slice(0, dot), schema: engineSchema.slice(dot + 1), name };
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.columns.length === b.columns.length && sameKey(a, b) &&
    a.columns.every(({ id, name, type }, index) => {
      const other = b.columns[index]!;
      return id === other.id && name === other.name && type === other.type;
    });
}

function sameKey(a: Shape, b: Shape): boolean {
  const ids = ({ columns, primaryKey }: Shape) => primaryKey.map((index) => columns[index]!.id).join();
  return ids(a) === ids(b);
}
