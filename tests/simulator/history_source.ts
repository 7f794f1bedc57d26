import type { Hlc } from "../../src/hlc.ts";
import type { FamilyView } from "./column_family.ts";
import type { Entry, History } from "./history.ts";
import type { FeedEvent, FeedRow, RowSource } from "./row_source.ts";
import {
  ghostJson,
  keyJson,
  keyNames,
  type Row,
  rowJson,
  type Shape,
  type TableHistory,
} from "./table_history.ts";
import type { VersionProfile } from "./version.ts";

/** A table that a feed watches. */
export interface Target {
  readonly table: TableHistory;
  /** As the feed's table column shows it. */
  shown(at: Hlc): string;
  /** Its last name when the feed began. */
  readonly name: string;
  /** Only this column family of it. */
  readonly family?: FamilyView;
}

/** The column that a hash-sharded index begins with. */
const SHARD = /^crdb_internal_.*_shard_\d+$/;

/** The rows of ordinary tables. */
export class HistorySource implements RowSource {
  readonly #history: History;
  readonly #targets: ReadonlyMap<TableHistory, readonly Target[]>;
  readonly #version: VersionProfile;
  readonly #showsVirtual: boolean;
  readonly #shapes = new WeakMap<Shape, Shape>();

  /** @param showsVirtual columns that are computed when they are read stand in rows, as null */
  constructor(
    history: History,
    targets: readonly Target[],
    version: VersionProfile,
    showsVirtual: boolean,
  ) {
    this.#history = history;
    this.#targets = Map.groupBy(targets, ({ table }) => table);
    this.#version = version;
    this.#showsVirtual = showsVirtual;
  }

  *scan(at: Hlc): Generator<FeedRow> {
    const targets = [...this.#targets.values()].flat();
    for (const { table, shown, family } of targets.toSorted((a, b) => a.table.id - b.table.id)) {
      const shape = table.shapeAt(at);
      for (const key of table.keys(at)) {
        const { row, at: written = at } = table.versionAt(key, at) ?? {};
        const after = family === undefined ? row && rowJson(row, this.#visible(shape)) : family.json(row);
        if (row === undefined || after === undefined) continue;
        yield {
          kind: "row",
          at,
          updated: at,
          written: this.#text(written, table),
          table: shown(at),
          key: keyJson(row),
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

  /** A table's columns without those that a feed leaves out. */
  #visible(shape: Shape): Shape {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const columns = shape.columns.filter(({ name, isVirtual }) =>
      !isVirtual && (this.#version.storesShards || !SHARD.test(name)) ||
      isVirtual && this.#showsVirtual
    );
    const visible = columns.length === shape.columns.length ? shape : { columns, primaryKey: [] };
    this.#shapes.set(shape, visible);
    return visible;
  }

  /** Timestamps of GLOBAL tables are synthetic, and say so. */
  #text(at: Hlc, { isGlobal }: TableHistory): string {
    return isGlobal && this.#version.syntheticTimestamps ? `${at}?` : at;
  }

  #event(entry: Entry, { shown, name, table, family }: Target): FeedEvent | undefined {
    const { at } = entry;
    switch (entry.kind) {
      case "row": {
        const json = (row: Row | undefined) =>
          family === undefined ? row && rowJson(row, this.#visible(row.shape)) : family.json(row);
        const after = json(entry.row), before = json(entry.before);
        // What a transaction leaves as it was in a family is not written there.
        if (family !== undefined && after === before && !entry.rescan) return undefined;
        return {
          kind: "row",
          at,
          updated: this.#text(at, table),
          written: this.#text(at, table),
          table: shown(at),
          key: entry.key,
          after,
          before,
          rescan: entry.rescan,
          ghost: entry.row === undefined && entry.before !== undefined ? ghostJson(entry.before) : undefined,
          origin: { ...table.path, primaryKeys: keyNames((entry.row ?? entry.before!).shape) },
        };
      }
      case "schema":
      case "rekeyed":
        return { kind: entry.kind, at, table: shown(at) };
      case "renamed": {
        if (this.#version.renamed !== "failure") return undefined;
        const error = this.#version.failure("renamed", { table: name, to: entry.to });
        return { kind: "failure", at, error };
      }
      case "dropped":
      case "truncated": {
        const { database, schema } = table.path;
        const error = this.#version.failure(entry.kind, { table: name, database, schema });
        return { kind: "failure", at, error };
      }
    }
  }
}
