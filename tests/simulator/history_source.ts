import type { Hlc } from "../../src/hlc.ts";
import type { Entry, History } from "./history.ts";
import type { FeedEvent, FeedRow, RowSource } from "./row_source.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import { ghostJson, keyNames, rowJson, type TableHistory } from "./table_history.ts";

/** A table that a feed watches. */
export interface Target {
  readonly table: TableHistory;
  /** As the feed's table column shows it. */
  readonly shown: string;
  /** Its last name when the feed began. */
  readonly name: string;
}

/** The rows of ordinary tables. */
export class HistorySource implements RowSource {
  readonly #history: History;
  readonly #targets: ReadonlyMap<TableHistory, Target>;
  readonly #modern: boolean;

  /** @param modern texts of errors as from v22 on */
  constructor(history: History, targets: readonly Target[], modern: boolean) {
    this.#history = history;
    this.#targets = new Map(targets.map((target) => [target.table, target]));
    this.#modern = modern;
  }

  *scan(at: Hlc): Generator<FeedRow> {
    for (const { table, shown } of [...this.#targets.values()].toSorted((a, b) => a.table.id - b.table.id)) {
      const shape = table.shapeAt(at);
      for (const key of table.keys()) {
        const row = table.rowAt(key, at);
        if (row === undefined) continue;
        const after = rowJson(row, shape);
        yield {
          kind: "row",
          at,
          table: shown,
          key,
          after,
          before: undefined,
          rescan: false,
          ghost: undefined,
          origin: { ...table.path, primaryKeys: keyNames(shape) },
        };
      }
    }
  }

  *between(after: Hlc, until: Hlc): Generator<FeedEvent> {
    for (const entry of this.#history.between(after, until)) {
      const target = this.#targets.get(entry.table);
      if (target !== undefined) yield this.#event(entry, target);
    }
  }

  #event(entry: Entry, { shown, name, table }: Target): FeedEvent {
    const { at } = entry;
    switch (entry.kind) {
      case "row":
        return {
          kind: "row",
          at,
          table: shown,
          key: entry.key,
          after: entry.row && rowJson(entry.row),
          before: entry.before && rowJson(entry.before),
          rescan: entry.rescan,
          ghost: entry.row === undefined && entry.before !== undefined ? ghostJson(entry.before) : undefined,
          origin: { ...table.path, primaryKeys: keyNames((entry.row ?? entry.before!).shape) },
        };
      case "schema":
        return { kind: "schema", at, table: shown };
      case "renamed":
        // Recent versions follow the table under its new name.
        if (this.#modern) return { kind: "schema", at, table: shown };
        return { kind: "failure", at, error: invalidTable(`"${name}" was renamed to "${entry.to}"`) };
      case "dropped":
      case "truncated":
        return { kind: "failure", at, error: invalidTable(this.#gone(entry.kind, name, table)) };
    }
  }

  #gone(what: "dropped" | "truncated", name: string, { path }: TableHistory): string {
    if (!this.#modern) return `"${name}" was dropped or truncated`;
    return what === "truncated"
      ? `"${name}" was truncated`
      : `"${path.database}.${path.schema}.${name}" was dropped`;
  }
}

/** Recordings error-table-dropped, error-table-truncated. */
function invalidTable(message: string): SqlError {
  return new SqlError(UNCATEGORIZED, message, ["validate.go", "49", "ValidateTable"]);
}
