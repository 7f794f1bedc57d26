import type { Hlc } from "../../src/hlc.ts";
import type { FamilyView } from "./column_family.ts";
import type { Entry, History } from "./history.ts";
import type { FeedEvent, FeedRow, RowSource } from "./row_source.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import { ghostJson, keyNames, type Row, rowJson, type TableHistory } from "./table_history.ts";

/** A table that a feed watches. */
export interface Target {
  readonly table: TableHistory;
  /** As the feed's table column shows it. */
  readonly shown: string;
  /** Its last name when the feed began. */
  readonly name: string;
  /** The table column holds its last name of each row's time, as from v21.1 to v22.1, whatever the statement says. */
  readonly followsName?: boolean;
  /** Only this column family of it. */
  readonly family?: FamilyView;
}

/** The rows of ordinary tables. */
export class HistorySource implements RowSource {
  readonly #history: History;
  readonly #targets: ReadonlyMap<TableHistory, readonly Target[]>;
  readonly #modern: boolean;

  /** @param modern texts of errors as from v22 on */
  constructor(history: History, targets: readonly Target[], modern: boolean) {
    this.#history = history;
    this.#targets = Map.groupBy(targets, ({ table }) => table);
    this.#modern = modern;
  }

  *scan(at: Hlc): Generator<FeedRow> {
    const targets = [...this.#targets.values()].flat();
    for (const target of targets.toSorted((a, b) => a.table.id - b.table.id)) {
      const { table, family } = target;
      const shape = table.shapeAt(at);
      for (const key of table.keys()) {
        const row = table.rowAt(key, at);
        const after = family === undefined ? row && rowJson(row, shape) : family.json(row);
        if (after === undefined) continue;
        yield {
          kind: "row",
          at,
          table: shownAt(target, at),
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
      for (const target of this.#targets.get(entry.table) ?? []) {
        const event = this.#event(entry, target);
        if (event !== undefined) yield event;
      }
    }
  }

  #event(entry: Entry, target: Target): FeedEvent | undefined {
    const { at } = entry, { name, table, family } = target;
    const shown = shownAt(target, at);
    switch (entry.kind) {
      case "row": {
        const json = (row: Row | undefined) => family === undefined ? row && rowJson(row) : family.json(row);
        const after = json(entry.row), before = json(entry.before);
        // What a transaction leaves as it was in a family is not written there.
        if (family !== undefined && after === before && !entry.rescan) return undefined;
        return {
          kind: "row",
          at,
          table: shown,
          key: entry.key,
          after,
          before,
          rescan: entry.rescan,
          ghost: entry.row === undefined && entry.before !== undefined ? ghostJson(entry.before) : undefined,
          origin: { ...table.path, primaryKeys: keyNames((entry.row ?? entry.before!).shape) },
        };
      }
      case "schema":
        return { kind: "schema", at, table: shown };
      case "renamed":
        // From v21.1 on a feed goes on (recordings renamed, two_tables_swap_names).
        if (this.#modern || target.followsName) return undefined;
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

function shownAt({ table, shown, followsName }: Target, at: Hlc): string {
  return followsName ? table.pathAt(at).name : shown;
}

/** Recordings error-table-dropped, error-table-truncated. */
function invalidTable(message: string): SqlError {
  return new SqlError(UNCATEGORIZED, message, ["validate.go", "49", "ValidateTable"]);
}
