import { randomUUID } from "node:crypto";
import { type Address, type Addresses, addresses, type AddressOptions } from "./address.ts";
import { type Change, changeOf } from "./change.ts";
import { type Hlc, hlcTime } from "./hlc.ts";
import { messageId } from "./message_id.ts";

/** How a change becomes a message body. */
export type Format = "envelope" | "value" | "cloudevents";

/** A message as the queue publishes it. */
export interface Message extends Address {
  /** JSON. It becomes UTF-8 where it is written: the bytes go straight to their place in a batch. */
  readonly body: string;
  /** MIME type of the body. */
  readonly contentType: string;
  /** `HLC-HASH`, the same for every repeat; `undefined` where the envelope carries no timestamp. */
  readonly messageId: string | undefined;
  /** What happened: `insert`, `update`, `upsert`, `delete`, `read`, `gap` or `resolved`. */
  readonly type: string;
}

/** Settings of the message; the feed is the source of its cloud events too. */
export interface EncodeOptions extends AddressOptions {
  /** What the body is. */
  readonly format: Format;
}

type Body = (change: Change, id: string | undefined) => string;

/** An encoder with these settings; without any look into the value's JSON. */
export function messageEncoder(options: EncodeOptions): (change: Change) => Message {
  return encoder(options.format, options.feed, addresses(options));
}

/**
 * Makes watermarks. One message reaches everybody where changes of all tables have one address; else there is one for each
 * table. The body is what CockroachDB's own sinks write (and v20.2 sends, see the recordings).
 */
export function watermarkEncoder(options: EncodeOptions): (resolved: Hlc) => readonly Message[] {
  const places = addresses(options);
  const tables = places.byTable ? [...options.tables.keys()] : [""];
  const encode = encoder(options.format === "envelope" ? "value" : options.format, options.feed, places);
  return (resolved) => {
    const value = JSON.stringify({ resolved });
    return tables.map((table) =>
      encode(changeOf({ table, key: "", value, updated: resolved, operation: "resolved" }))
    );
  };
}

function encoder(format: Format, feed: string, { of: addressOf }: Addresses): (change: Change) => Message {
  const body = BODIES[format](feed);
  const contentType = format === "cloudevents" ? "application/cloudevents+json" : "application/json";
  return (change) => {
    const id = change.updated && messageId(change.updated, change.row);
    const { routingKey, headers } = addressOf(change);
    return {
      body: body(change, id),
      contentType,
      messageId: id,
      type: change.operation,
      routingKey,
      headers,
    };
  };
}

const BODIES: Readonly<Record<Format, (feed: string) => Body>> = {
  envelope: () => ({ table, key, value }) =>
    `{"table":${JSON.stringify(table)},"key":${JSON.stringify(key)},"value":${value || "null"}}`,
  value: () => ({ value }) => value || "null",
  cloudevents: cloudEvent,
};

/** CloudEvents 1.0, structured JSON. Consumers may take two events of one id for one: without a timestamp each has its own. */
function cloudEvent(feed: string): Body {
  const source = `/crdb-changefeed-publisher/${encodeURIComponent(feed)}`;
  const fixed = { specversion: "1.0", source, datacontenttype: "application/json" };
  const start = JSON.stringify(fixed).slice(0, -1);
  return ({ table, identity, value, updated, operation }, id = randomUUID()) => {
    const attributes = {
      id,
      type: `crdb.changefeed.${operation}`,
      subject: identity || undefined,
      time: updated && hlcTime(updated),
      table: table || undefined,
    };
    return `${start},${JSON.stringify(attributes).slice(1, -1)},"data":${value || "null"}}`;
  };
}
