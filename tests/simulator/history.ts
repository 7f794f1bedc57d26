import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { Signal } from "./signal.ts";
import {
  compareKeys,
  identityOf,
  keyJson,
  type Row,
  type Shape,
  TableHistory,
  type TablePath,
} from "./table_history.ts";

/** A row as a transaction left it. */
export interface Write {
  readonly table: TableHistory;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** One step of a table's history. */
export type Entry =
  | {
    readonly kind: "row";
    readonly at: Hlc;
    readonly table: TableHistory;
    /** As a feed shows it. */
    readonly key: string;
    readonly row: Row | undefined;
    readonly before: Row | undefined;
    readonly rescan: boolean;
  }
  /** Other columns, or another primary key. */
  | { readonly kind: "schema" | "rekeyed"; readonly at: Hlc; readonly table: TableHistory }
  | { readonly kind: "dropped" | "truncated"; readonly at: Hlc; readonly table: TableHistory }
  | { readonly kind: "renamed"; readonly at: Hlc; readonly table: TableHistory; readonly to: string };

/** Everything that was committed, in the order of its timestamps. */
export class History {
  /** Fires after every commit. */
  readonly changed = new Signal();
  readonly #tables: TableHistory[] = [];
  readonly #log: Entry[] = [];

  /** Every table that ever was. */
  get tables(): readonly TableHistory[] {
    return this.#tables;
  }

  /** The table of that name at a timestamp. */
  find({ database, schema, name }: TablePath, at: Hlc): TableHistory | undefined {
    return this.#tables.findLast((table) => {
      const path = table.pathAt(at);
      return table.existsAt(at) && path.name === name && path.schema === schema && path.database === database;
    });
  }

  /** A table is there from now on. */
  create(id: number, path: TablePath, at: Hlc, shape: Shape): TableHistory {
    const table = new TableHistory(id, path, at, shape);
    this.#tables.push(table);
    return table;
  }

  /** One transaction's writes; of several to one row the last counts. */
  commit(at: Hlc, writes: readonly Write[], options: { rescan?: boolean } = {}): void {
    const last = new Map<string, Write & { readonly key: string }>();
    for (const write of writes) {
      const { table, before, after } = write;
      const key = identityOf(after ?? before!);
      last.set(`${table.id} ${key}`, { ...write, key });
      // An update of the key itself is a deletion and an insertion.
      const oldKey = before === undefined || after === undefined ? key : identityOf(before);
      if (oldKey !== key) last.set(`${table.id} ${oldKey}`, { table, before, after: undefined, key: oldKey });
    }
    const sorted = [...last.values()].toSorted((a, b) =>
      a.table.id - b.table.id || compareKeys((a.after ?? a.before)!, (b.after ?? b.before)!)
    );
    for (const { table, key, after: row } of sorted) {
      const before = table.newest(key);
      if (row === undefined && before === undefined) continue; // written and deleted by the same transaction
      table.record(key, { at, row });
      const shown = row === undefined ? key : keyJson(row);
      this.#log.push({ kind: "row", at, table, key: shown, row, before, rescan: options.rescan ?? false });
    }
    this.changed.fire();
  }

  /** Anything but a row. */
  note(entry: Exclude<Entry, { kind: "row" }>): void {
    this.#log.push(entry);
    this.changed.fire();
  }

  /** The entries later than `after` and not later than `until`. */
  *between(after: Hlc, until: Hlc): Generator<Entry> {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareHlc(this.#log[middle]!.at, after) <= 0) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#log.length; i++) {
      const entry = this.#log[i]!;
      if (compareHlc(entry.at, until) > 0) return;
      yield entry;
    }
  }
}
