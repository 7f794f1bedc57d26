import { type Change, changeOf, type FeedEvent, type Operation } from "../change.ts";
import { AgentError } from "../errors.ts";
import { type Hlc, parseHlc } from "../hlc.ts";
import { type CollatedKeys, keyOfDeleted } from "./collated_key.ts";
import { readEnriched } from "./enriched.ts";
import { isWholeJson, jsonMembers, jsonText, withoutMember } from "./json_member.ts";
import { malformedRow } from "./malformed_row.ts";
import { isOfScan, readTimestamp } from "./row_timestamp.ts";

/** The shapes a changefeed can give a row's value. */
export type EnvelopeShape = "wrapped" | "enriched" | "row" | "bare" | "key_only";

/** One row of the changefeed's result: table, key and value as text; a resolved row has no table and no key. */
export interface WireRow {
  /** Some name of the table, by version and options; see watched_tables.ts. */
  readonly table: string | null;
  /** Primary key as a JSON array. */
  readonly key: string | null;
  /** JSON by the envelope; empty or null where there is none. */
  readonly value: string | null;
}

/** How the feed was opened, as far as reading its rows depends on it. */
export interface EnvelopeOptions {
  /** Shape of the values. */
  readonly shape: EnvelopeShape;
  /** The operator asked for `updated` himself, or for `source` where the value is enriched: it stays in the value. */
  readonly keepUpdated: boolean;
  /** The feed carries `before`, so that insert and update can be told apart. */
  readonly diff: boolean;
  /** The table's name for what the table column holds; default: that. */
  readonly shownFor?: (column: string) => string;
  /** While scanning: rows of exactly this timestamp are the scan's. */
  readonly scanTimestamp: Hlc | undefined;
  /** Tables with collated strings in their keys; default: there are none. */
  readonly collated?: CollatedKeys;
}

/** `, "updated": "1795327281560736375.0000000000"}`: how a wrapped value ends (recording options-updated-diff). */
const UPDATED = ', "updated": "';
const TYPICAL_HLC_LENGTH = 30;
const TYPICAL_TAIL_LENGTH = UPDATED.length + TYPICAL_HLC_LENGTH + 2;
const TAIL = /, "updated": "([0-9]+\.[0-9]{10}\??)"\}$/;
const RESOLVED = /^\{(?:"__crdb__": ?\{)?"resolved": ?"([0-9]+\.[0-9]{10}\??)"\}\}?$/;
/** What may stand between `before` and the end, in the order of the names, but for the key. */
const TOPIC = /, "topic": "(?:[^"\\]|\\.)*"$/;
const MVCC_TIMESTAMP = /, "mvcc_timestamp": "[0-9.]+\??"$/;
/** More than what stands behind `before` takes, but for the key. */
const LONGEST_TAIL = 1000;

const READERS: Readonly<Record<EnvelopeShape, typeof readWrapped>> = {
  wrapped: readWrapped,
  enriched: readEnriched,
  row: readRow,
  bare: readBare,
  key_only: readKeyOnly,
};

/** A reader of wire rows for a feed opened in this way. It throws EnvelopeMalformed, naming only table and length. */
export function envelopeReader(options: EnvelopeOptions): (row: WireRow) => FeedEvent {
  const read = READERS[options.shape], { shownFor = (column: string) => column } = options;
  return (row) => {
    const { table, key, value } = row;
    if (table === null || key === null) return { kind: "resolved", timestamp: readResolved(value) };
    return read(shownFor(table), key, value ?? "", options);
  };
}

function readResolved(value: string | null): Hlc {
  const timestamp = parseHlc(RESOLVED.exec(value ?? "")?.[1] ?? "");
  if (timestamp === undefined) {
    throw new AgentError(
      "EnvelopeMalformed",
      `A row without table or key (${value?.length ?? 0} characters) is no resolved timestamp`,
    );
  }
  return timestamp;
}

function readWrapped(table: string, key: string, value: string, options: EnvelopeOptions): Change {
  let start = value.length - TYPICAL_TAIL_LENGTH;
  let updated: Hlc | undefined;
  if (start > 0 && value.startsWith(UPDATED, start)) {
    updated = readTimestamp(value.slice(start + UPDATED.length, -2));
  }
  const tail = updated === undefined ? TAIL.exec(value.slice(-100)) : null;
  if (tail !== null) {
    start = value.length - tail[0].length;
    updated = readTimestamp(tail[1]!);
  }
  if (updated === undefined || !value.endsWith('"}')) {
    throw malformedRow(table, value, "does not end with its timestamp");
  }
  const bare = value.slice(0, start) + "}";
  const operation = wrappedOperation(bare, key, updated, options);
  const collated = operation === "delete" ? options.collated?.get(table) : undefined;
  return changeOf(
    { table, key, value: options.keepUpdated ? value : bare, updated, operation },
    collated === undefined ? key : keyOfDeleted(key, bare, collated),
  );
}

/** The members of a wrapped value are sorted, so its first and its last bytes tell what happened (G5: no parsing). */
function wrappedOperation(bare: string, key: string, updated: Hlc, options: EnvelopeOptions): Operation {
  if (isOfScan(updated, options)) return "read";
  if (bare.startsWith('{"after": null')) return "delete";
  if (!options.diff) return "upsert";
  return hasNoBefore(bare, key) ? "insert" : "update";
}

/** Behind `before` come only members whose names sort after it: key, mvcc_timestamp, topic. */
function hasNoBefore(bare: string, key: string): boolean {
  const tail = bare.slice(-(key.length + LONGEST_TAIL), -1).replace(TOPIC, "").replace(MVCC_TIMESTAMP, "");
  const keyInValue = `, "key": ${key}`;
  const end = tail.endsWith(keyInValue) ? tail.slice(0, -keyInValue.length) : tail;
  return end.endsWith(', "before": null');
}

/**
 * The row alone, cut out of a wrapped value: CockroachDB's own `envelope=row` puts the timestamp among the columns, and
 * has none for a deletion (jsonEncoder.EncodeValue).
 */
function readRow(table: string, key: string, value: string, options: EnvelopeOptions): Change {
  const change = readWrapped(table, key, value, { ...options, keepUpdated: false });
  const [after] = jsonMembers(change.value);
  if (after?.name !== "after") throw malformedRow(table, value, "does not begin with the row");
  const row = change.value.slice(after.start, after.end);
  return { ...change, value: row === "null" ? "" : row };
}

function readKeyOnly(table: string, key: string, value: string): Change {
  return changeOf({ table, key, value, updated: undefined, operation: "upsert" });
}

/**
 * The timestamp is `updated` of the member `__crdb__`, which stands among the columns; it is cut out where nothing in it was
 * asked for. In v22.2 a deleted row has nothing else. From v23.1 on all its columns but the key are null, which an update
 * may write too: then it is an upsert here.
 */
function readBare(table: string, key: string, value: string, options: EnvelopeOptions): Change {
  const members = jsonMembers(value);
  const place = members.findIndex(({ name }) => name === "__crdb__");
  const metadata = members[place] === undefined ? [] : jsonMembers(value, members[place].start);
  const updated = readTimestamp(jsonText(value, metadata, "updated"));
  if (updated === undefined || !isWholeJson(value, members)) {
    throw malformedRow(table, value, "is no object with a timestamp in __crdb__");
  }
  return changeOf({
    table,
    key,
    value: options.keepUpdated || metadata.length > 1 ? value : withoutMember(value, members, place),
    updated,
    operation: isOfScan(updated, options) ? "read" : members.length === 1 ? "delete" : "upsert",
  });
}
