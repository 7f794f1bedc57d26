import type { Change, Operation } from "./change.ts";
import {
  fill,
  type Filling,
  parseTemplate,
  type Placeholder,
  type TablePlace,
  type Template,
} from "./template.ts";

/** A header or property value of a kind that every AMQP client reads; a time is one of whole seconds. */
export type HeaderValue = string | number | boolean | Date;

/** Headers of a message. */
export type Headers = Readonly<Record<string, HeaderValue>>;

/** What the broker routes a message by. */
export interface Address {
  /** For the exchange; at most 255 bytes. */
  readonly routingKey: string;
  /** Headers cost the broker time (see README), so by default there are none. */
  readonly headers: Headers | undefined;
}

/** Settings of the address. */
export interface AddressOptions {
  /** Name of the feed: `{feed}`, and the header `feed`. */
  readonly feed: string;
  /** Template, see {@linkcode parseTemplate}. */
  readonly routingKey: string;
  /** Schema and database of each table, by the name the feed's table column has. */
  readonly tables: ReadonlyMap<string, TablePlace>;
  /** Add `table`, `key`, `updated` and `feed`. */
  readonly standardHeaders: boolean;
  /** Headers of the operator's own; the texts are templates. */
  readonly headers: Headers;
  /** The feed's trace context at present, `{traceparent}`; default: there is none. */
  readonly traceparent?: (() => string) | undefined;
}

/** Addresses of one feed, with the templates taken apart once. */
export interface Addresses {
  /** Tables have addresses of their own. */
  readonly byTable: boolean;
  /** Where the message of a change goes. */
  readonly of: (change: Change) => Address;
}

/** Whatever does not depend on the row itself is filled in once, for each table and operation. */
export function addresses(options: AddressOptions): Addresses {
  const { feed, tables, standardHeaders, traceparent = () => "" } = options;
  const routingKey = taken(options.routingKey, feed);
  const headers = Object.entries(options.headers).map(([name, value]) =>
    [name, typeof value === "string" ? taken(value, feed) : value] as const
  );
  const templates = [routingKey, ...headers.map(([, value]) => value).filter(isTemplate)];
  const uses = (...names: Placeholder[]) =>
    templates.some((template) => names.some((name) => template.names.includes(name)));
  const byTable = standardHeaders || uses("table", "schema", "database");

  const build = (change: Change): Address => {
    const filling = { place: placeOf(tables, change.table), traceparent: traceparent() };
    return { routingKey: fill(routingKey, change, filling), headers: headersOf(change, filling) };
  };
  const headersOf = (change: Change, filling: Filling): Headers | undefined => {
    if (!standardHeaders && headers.length === 0) return undefined;
    const filled: Record<string, HeaderValue> = {};
    for (const [name, value] of headers) {
      filled[name] = isTemplate(value) ? fill(value, change, filling) : value;
    }
    const { table, identity: key, updated } = change;
    return standardHeaders ? { ...filled, table, key, updated: updated ?? "", feed } : filled;
  };
  if (standardHeaders || uses("key", "id", "traceparent")) return { byTable, of: build };
  return { byTable, of: byTable || uses("op") ? remembered(build) : once(build) };
}

function remembered(build: (change: Change) => Address): (change: Change) => Address {
  const known = new Map<string, Partial<Record<Operation, Address>>>();
  return (change) => {
    const { table, operation } = change;
    let ofTable = known.get(table);
    if (ofTable === undefined) known.set(table, ofTable = {});
    return ofTable[operation] ??= build(change);
  };
}

function once(build: (change: Change) => Address): (change: Change) => Address {
  let only: Address | undefined;
  return (change) => only ??= build(change);
}

/** With `split_column_families` the feed's table column holds `table.family`, and only the table is known before. */
function placeOf(tables: AddressOptions["tables"], column: string): TablePlace | undefined {
  return tables.get(column) ?? tables.get(column.slice(0, Math.max(0, column.lastIndexOf("."))));
}

function isTemplate(value: HeaderValue | Template): value is Template {
  return typeof value === "object" && "texts" in value;
}

function taken(text: string, feed: string): Template {
  const template = parseTemplate(text, feed);
  if (template === undefined) throw new RangeError(`No template: ${text}`);
  return template;
}
