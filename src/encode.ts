import type { Change } from "./change.ts";
import { hlcTime } from "./hlc.ts";
import { messageId } from "./message_id.ts";

/** How a change becomes a message body. */
export type Format = "envelope" | "value" | "cloudevents";

/** A header or property value of a kind that every AMQP client reads. */
export type HeaderValue = string | number | boolean;

/** A message as the queue publishes it. */
export interface Message {
  /** JSON. It becomes UTF-8 where it is written: the bytes go straight to their place in a batch. */
  readonly body: string;
  /** MIME type of the body. */
  readonly contentType: string;
  /** `HLC-HASH`, the same for every repeat; `undefined` where the envelope carries no timestamp. */
  readonly messageId: string | undefined;
  /** What happened: `insert`, `update`, `upsert`, `delete` or `read`. */
  readonly type: string;
  /** For the exchange; at most 255 bytes. */
  readonly routingKey: string;
  /** Headers cost the broker time (see README), so by default there are none. */
  readonly headers: Readonly<Record<string, HeaderValue>> | undefined;
}

/** Settings of the message. */
export interface EncodeOptions {
  /** What the body is. */
  readonly format: Format;
  /** Name of the feed; source of a cloud event, and the header `feed`. */
  readonly feed: string;
  /** `{table}`, `{schema}`, `{database}`, `{op}` and `{key}` are filled in; any other text stands for itself. */
  readonly routingKey: string;
  /** Schema and database of each table, by the name the feed's table column has. */
  readonly tables: ReadonlyMap<string, { readonly schema: string; readonly database: string }>;
  /** Add `table`, `key`, `updated` and `feed`. */
  readonly standardHeaders: boolean;
  /** Headers of the operator's own. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An encoder with these settings: pure, and without any look into the value's JSON. */
export function messageEncoder(options: EncodeOptions): (change: Change) => Message {
  const body = BODIES[options.format];
  const contentType = options.format === "cloudevents" ? "application/cloudevents+json" : "application/json";
  const routingKey = routingKeyFiller(options);
  const headers = headerFiller(options);
  return (change) => {
    const id = change.updated && messageId(change.updated, change.table, change.key);
    return {
      body: body(change, id, options),
      contentType,
      messageId: id,
      type: change.operation,
      routingKey: routingKey(change),
      headers: headers(change),
    };
  };
}

type Body = (change: Change, id: string | undefined, options: EncodeOptions) => string;

const BODIES: Readonly<Record<Format, Body>> = {
  envelope: ({ table, key, value }) =>
    `{"table":${JSON.stringify(table)},"key":${JSON.stringify(key)},"value":${value || "null"}}`,
  value: ({ value }) => value || "null",
  cloudevents: (change, id, { feed }) => {
    const { table, key, value, updated, operation } = change;
    const attributes = {
      specversion: "1.0",
      id: id ?? `${table}-${key}`,
      source: `/crdb-changefeed-publisher/${encodeURIComponent(feed)}`,
      type: `crdb.changefeed.${operation}`,
      subject: key,
      ...(updated === undefined ? {} : { time: hlcTime(updated) }),
      datacontenttype: "application/json",
      table,
    };
    return `${JSON.stringify(attributes).slice(0, -1)},"data":${value || "null"}}`;
  },
};

function routingKeyFiller(options: EncodeOptions): (change: Change) => string {
  const template = options.routingKey;
  if (!template.includes("{")) return () => template;
  return (change) => {
    const names = partsOf(options.tables, change.table);
    return template.replace(/\{(table|schema|database|op|key)\}/g, (_, name: string) => {
      switch (name) {
        case "table":
          return change.table;
        case "key":
          return change.key;
        case "op":
          return change.operation;
        case "schema":
          return names?.schema ?? "";
        default:
          return names?.database ?? "";
      }
    });
  };
}

/** With `split_column_families` the feed's table column holds `table.family`, and only the table is known before. */
function partsOf(tables: EncodeOptions["tables"], column: string) {
  return tables.get(column) ?? tables.get(column.slice(0, Math.max(0, column.lastIndexOf("."))));
}

function headerFiller(
  options: EncodeOptions,
): (change: Change) => Readonly<Record<string, HeaderValue>> | undefined {
  const own = options.headers;
  if (options.standardHeaders) {
    return ({ table, key, updated }) => ({ ...own, table, key, updated: updated ?? "", feed: options.feed });
  }
  return Object.keys(own).length === 0 ? () => undefined : () => own;
}
