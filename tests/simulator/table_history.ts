import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { encodeFromKey } from "./key_encoding.ts";
import { compareCodePoints, compareValues, encodeString, type Encoding, encodingOf } from "./encoding.ts";

/** A column; the engine's number identifies it when its name changes. */
export interface Column {
  readonly id: number;
  readonly name: string;
  /** The engine's name of the type: `int8`, `_text`. */
  readonly type: string;
  /** It has a default or is computed: adding it rewrites every row. */
  readonly filled: boolean;
  /** It follows from other columns and cannot be written. */
  readonly computed: boolean;
  /** It is computed when it is read. */
  readonly isVirtual: boolean;
}

/** The columns of a table at some time. */
export interface Shape {
  readonly columns: readonly Column[];
  /** Indexes into `columns`, in the order of the key. */
  readonly primaryKey: readonly number[];
}

/** Texts as the engine prints them, one for each column of a shape. */
export type Values = readonly (string | null)[];

/** A row with the columns it was written with. */
export interface Row {
  readonly shape: Shape;
  readonly values: Values;
}

/** A row from one commit on; deleted ones have no row. */
export interface Version {
  readonly at: Hlc;
  readonly row: Row | undefined;
}

/** Where a table stands. */
export interface TablePath {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
}

/** Seconds that old versions are kept unless a table's zone says otherwise: 25 hours. */
export const DEFAULT_RETENTION = 90_000;

/** A table and every version of its rows. */
export class TableHistory {
  /** The engine's object id. */
  readonly id: number;
  /** When it began to exist. */
  readonly created: Hlc;
  /** When it was dropped. */
  dropped: Hlc | undefined;
  /** Seconds that old versions are kept. */
  retention = DEFAULT_RETENTION;
  /** Its rows are written in the future and closed at once: LOCALITY GLOBAL. */
  isGlobal = false;
  /** Nothing at or below it can be read, whatever the retention. */
  collected: Hlc | undefined;
  readonly #paths: { readonly from: Hlc; readonly path: TablePath }[];
  readonly #shapes: { readonly from: Hlc; readonly shape: Shape }[] = [];
  /** One for each primary key that the table has had. */
  readonly #epochs: Epoch[];

  constructor(id: number, path: TablePath, created: Hlc, shape: Shape) {
    this.id = id;
    this.#paths = [{ from: created, path }];
    this.created = created;
    this.#shapes.push({ from: created, shape });
    this.#epochs = [new Epoch(created)];
  }

  /** Where it stands now. */
  get path(): TablePath {
    return this.#paths.at(-1)!.path;
  }

  /** Where it stood at a timestamp. */
  pathAt(at: Hlc): TablePath {
    return (this.#paths.findLast(({ from }) => compareHlc(from, at) <= 0) ?? this.#paths[0]!).path;
  }

  /** Another name, or another schema, from a timestamp on. */
  rename(from: Hlc, path: TablePath): void {
    this.#paths.push({ from, path });
  }

  /** The columns now. */
  get shape(): Shape {
    return this.#shapes.at(-1)!.shape;
  }

  /** The columns at a timestamp. */
  shapeAt(at: Hlc): Shape {
    return (this.#shapes.findLast(({ from }) => compareHlc(from, at) <= 0) ?? this.#shapes[0]!).shape;
  }

  /** New columns from a timestamp on. */
  reshape(from: Hlc, shape: Shape): void {
    this.#shapes.push({ from, shape });
  }

  /** Whether the table can be found at a timestamp. */
  existsAt(at: Hlc): boolean {
    return compareHlc(this.created, at) <= 0 &&
      (this.dropped === undefined || compareHlc(at, this.dropped) < 0);
  }

  /** From a timestamp on the rows have the keys of the present columns. */
  rekey(from: Hlc): void {
    const { shape } = this;
    const epoch = new Epoch(from);
    for (const key of this.keys(undefined)) {
      const { at, row } = this.#epochs.at(-1)!.versions.get(key)!.at(-1)!;
      if (row === undefined) continue;
      const values = shape.columns.map(({ id }) =>
        row.values[row.shape.columns.findIndex((column) => column.id === id)] ?? null
      );
      epoch.record(identityOf({ shape, values }), { at, row: { shape, values } });
    }
    this.#epochs.push(epoch);
  }

  /** The newest row of a key. */
  newest(key: string): Row | undefined {
    return this.#epochs.at(-1)!.versions.get(key)?.at(-1)?.row;
  }

  /** Records a row's next version; the first one is never a deletion. */
  record(key: string, version: Version): void {
    this.#epochs.at(-1)!.record(key, version);
  }

  /** The keys at a timestamp, by default now, in the order of the primary key. */
  keys(at: Hlc | undefined): readonly string[] {
    return this.#epochAt(at).keys;
  }

  /** The row of a key at a timestamp, with the time it was written at. */
  versionAt(key: string, at: Hlc): Version | undefined {
    return this.#epochAt(at).versions.get(key)?.findLast((version) => compareHlc(version.at, at) <= 0);
  }

  #epochAt(at: Hlc | undefined): Epoch {
    const last = this.#epochs.at(-1)!;
    if (at === undefined) return last;
    return this.#epochs.findLast(({ from }) => compareHlc(from, at) <= 0) ?? this.#epochs[0]!;
  }
}

/** The versions of a table's rows while it had one primary key. */
class Epoch {
  readonly from: Hlc;
  readonly versions = new Map<string, Version[]>();
  #sorted: string[] | undefined;

  constructor(from: Hlc) {
    this.from = from;
  }

  record(key: string, version: Version): void {
    const versions = this.versions.get(key);
    if (versions !== undefined) {
      versions.push(version);
      return;
    }
    this.versions.set(key, [version]);
    this.#sorted = undefined;
  }

  get keys(): readonly string[] {
    return this.#sorted ??= [...this.versions].toSorted(([, a], [, b]) => compareKeys(a[0]!.row!, b[0]!.row!))
      .map(([key]) => key);
  }
}

/** JSON array of a row's primary key. */
export function keyJson({ shape, values }: Row): string {
  const parts = shape.primaryKey.map((index) => encodingOf(shape.columns[index]!.type)(values[index]!));
  return `[${parts.join(", ")}]`;
}

/** What makes a row the same one, whatever its key's text: JSON array of its primary key as a deletion has it. */
export function identityOf({ shape, values }: Row): string {
  const parts = shape.primaryKey.map((index) => encodeFromKey(shape.columns[index]!.type, values[index]!));
  return `[${parts.join(", ")}]`;
}

/** Names of the key's columns, in the order of the key. */
export function keyNames({ columns, primaryKey }: Shape): string[] {
  return primaryKey.map((index) => columns[index]!.name);
}

/** JSON object of a row, with the columns of another shape if given: those it does not have are null. */
export function rowJson(row: Row, shape: Shape = row.shape): string {
  const members = membersOf(shape).map(({ id, index, start, encode }) => {
    const position = shape === row.shape ? index : row.shape.columns.findIndex((column) => column.id === id);
    const value = row.values[position] ?? null;
    return start + (value === null ? "null" : encode(value));
  });
  return `{${members.join(", ")}}`;
}

interface Member {
  readonly id: number;
  readonly index: number;
  /** `"name": ` */
  readonly start: string;
  readonly encode: Encoding;
}

const members = new WeakMap<Shape, readonly Member[]>();

/** The members of a shape's JSON object, sorted by name. */
function membersOf(shape: Shape): readonly Member[] {
  const known = members.get(shape);
  if (known !== undefined) return known;
  const sorted = shape.columns.map((column, index) => ({ ...column, index }))
    .toSorted((a, b) => compareCodePoints(a.name, b.name))
    .map(({ id, index, name, type, isVirtual }) => ({
      id,
      index,
      start: `${encodeString(name)}: `,
      encode: isVirtual ? () => "null" : encodingOf(type),
    }));
  members.set(shape, sorted);
  return sorted;
}

/** JSON object of a row of which only the key is left. */
export function ghostJson(row: Row): string {
  const values = row.values.map((value, index) => row.shape.primaryKey.includes(index) ? value : null);
  return rowJson({ shape: row.shape, values });
}

/** The order of the primary key. */
export function compareKeys(a: Row, b: Row): number {
  for (const [position, index] of a.shape.primaryKey.entries()) {
    const difference = compareValues(a.values[index]!, b.values[b.shape.primaryKey[position]!]!);
    if (difference !== 0) return difference;
  }
  return 0;
}
