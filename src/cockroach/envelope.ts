import type { Change, FeedEvent, Operation } from "../change.ts";
import { AgentError } from "../errors.ts";
import { compareHlc, type Hlc, parseHlc } from "../hlc.ts";

/** The shapes a changefeed can give a row's value. */
export type EnvelopeShape = "wrapped" | "row" | "bare" | "key_only";

/** One row of the changefeed's result: table, key and value as text; a resolved row has no table and no key. */
export interface WireRow {
  /** Last part of the table's name, or all of it with `full_table_name`. */
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
  /** The user asked for `updated` himself: it stays in the value. */
  readonly keepUpdated: boolean;
  /** The feed carries `before`, so that insert and update can be told apart. */
  readonly diff: boolean;
  /** While scanning: rows of exactly this timestamp are the scan's. */
  readonly scanTimestamp: Hlc | undefined;
}

/** `, "updated": "1795327281560736375.0000000000"}`: how a wrapped value ends (recording options-updated-diff). */
const UPDATED = ', "updated": "';
const TYPICAL_HLC_LENGTH = 30;
const TYPICAL_TAIL_LENGTH = UPDATED.length + TYPICAL_HLC_LENGTH + 2;
const TAIL = /, "updated": "([0-9]+\.[0-9]{10})"\}$/;
const RESOLVED = /^\{(?:"__crdb__": ?\{)?"resolved": ?"([0-9]+\.[0-9]{10})"\}\}?$/;
/** `before` is the last member but for these, which sort after it. */
const NO_BEFORE = /, "before": null(?:, "mvcc_timestamp": "[0-9.]+")?\}$/;

/** A reader of wire rows for a feed opened in this way. It throws EnvelopeMalformed, naming only table and length. */
export function envelopeReader(options: EnvelopeOptions): (row: WireRow) => FeedEvent {
  const read = options.shape === "wrapped"
    ? readWrapped
    : options.shape === "key_only"
    ? readKeyOnly
    : readBare;
  return (row) => {
    const { table, key, value } = row;
    if (table === null || key === null) return { kind: "resolved", timestamp: readResolved(value) };
    return read(table, key, value ?? "", options);
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
    updated = readHlc(value.slice(start + UPDATED.length, -2));
  }
  const tail = updated === undefined ? TAIL.exec(value.slice(-100)) : null;
  if (tail !== null) {
    start = value.length - tail[0].length;
    updated = readHlc(tail[1]!);
  }
  if (updated === undefined || !value.endsWith('"}')) {
    throw malformed(table, value, "does not end with its timestamp");
  }
  const bare = value.slice(0, start) + "}";
  return {
    kind: "change",
    table,
    key,
    value: options.keepUpdated ? value : bare,
    updated,
    operation: wrappedOperation(bare, updated, options),
  };
}

/** The members of a wrapped value are sorted, so its first and its last bytes tell what happened (G5: no parsing). */
function wrappedOperation(bare: string, updated: Hlc, options: EnvelopeOptions): Operation {
  if (isScan(updated, options)) return "read";
  if (bare.startsWith('{"after": null')) return "delete";
  if (!options.diff) return "upsert";
  return NO_BEFORE.test(bare.slice(-80)) ? "insert" : "update";
}

function readKeyOnly(table: string, key: string, value: string): Change {
  return { kind: "change", table, key, value, updated: undefined, operation: "upsert" };
}

function readBare(table: string, key: string, value: string, options: EnvelopeOptions): Change {
  // With `envelope=row` a deletion has no value at all, and so no timestamp (CockroachDB's jsonEncoder.EncodeValue).
  if (value === "" && options.shape === "row") {
    return { kind: "change", table, key, value, updated: undefined, operation: "delete" };
  }
  const updated = metadataTimestamp(value);
  if (updated === undefined || !value.endsWith("}")) {
    throw malformed(table, value, "is no object with a timestamp in __crdb__");
  }
  const operation = isScan(updated, options) ? "read" : isBareDelete(value) ? "delete" : "upsert";
  return { kind: "change", table, key, value, updated, operation };
}

/** A deleted row has nothing but its metadata. */
function isBareDelete(value: string): boolean {
  return /^\{"__crdb__": \{[^{}]*\}\}$/.test(value);
}

/**
 * `updated` of the member `__crdb__`, which stands among the columns in sorted order. Only the structure is walked:
 * a column's own JSON may hold the same words deeper down.
 */
function metadataTimestamp(value: string): Hlc | undefined {
  let depth = 0;
  for (let i = 0; i < value.length; i++) {
    const char = value[i];
    if (char === '"') {
      if (depth === 1 && value.startsWith('"__crdb__": {', i)) {
        const updated = /^"__crdb__": \{[^{}]*"updated": "([0-9.]+)"/.exec(value.slice(i, i + 300));
        return readHlc(updated?.[1] ?? "");
      }
      for (i++; i < value.length && value[i] !== '"'; i++) if (value[i] === "\\") i++;
    } else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
  }
  return undefined;
}

function isScan(updated: Hlc, options: EnvelopeOptions): boolean {
  return options.scanTimestamp !== undefined && compareHlc(updated, options.scanTimestamp) === 0;
}

function malformed(table: string, value: string, what: string): AgentError {
  return new AgentError(
    "EnvelopeMalformed",
    `A row of table "${table}" (${value.length} characters) ${what}`,
  );
}

/** The rows of a scan, and those of a transaction, have one timestamp: one text serves them all. */
let latest: Hlc | undefined;

function readHlc(text: string): Hlc | undefined {
  return text === latest ? latest : latest = parseHlc(detached(text));
}

/** A copy that does not keep the row's whole text alive, as a slice of it would: the guard remembers timestamps. */
function detached(text: string): string {
  return (" " + text).slice(1);
}
