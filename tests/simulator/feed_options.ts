import { encodeObject, encodeString } from "./encoding.ts";
import { enrichedEncoder, enrichedKeyEncoder } from "./enriched_envelope.ts";
import type { FeedRow } from "./row_source.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import type { VersionProfile } from "./version.ts";

/** The options of a changefeed, checked. */
export interface FeedOptions {
  /** Milliseconds between resolved timestamps; `undefined` when none are sent. */
  readonly resolvedEvery: number | undefined;
  /** Scan first? As the option says; by default only without a cursor. */
  readonly initialScan: boolean;
  /** End after the scan. */
  readonly scanOnly: boolean;
  /** What stands for columns that are computed when they are read. */
  readonly virtualColumns: string;
  /** What happens when the columns change. */
  readonly schemaChangePolicy: string;
  /** The key column of a row. */
  encodeKey(row: FeedRow): string;
  /** The value column of a row. */
  encode(row: FeedRow): string;
  /** The value column of a resolved timestamp. */
  encodeResolved(at: string): string;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Checks the values of the options.
 *
 * @throws SqlError
 */
export function readFeedOptions(options: ReadonlyMap<string, string>, version: VersionProfile): FeedOptions {
  const envelope = options.get("envelope") ?? "wrapped";
  const scan = options.get("initial_scan");
  if (scan !== undefined && options.has("no_initial_scan")) throw version.failure("bothScans");
  if (!version.envelopes.includes(envelope)) throw version.failure("unknownEnvelope", { value: envelope });
  const format = options.get("format") ?? "json";
  if (format !== "json" && format !== "experimental_json") {
    throw version.failure("unknownFormat", { value: format });
  }
  const scans = scan !== undefined && scan !== "no" || options.has("initial_scan_only") ||
    !options.has("cursor") && !options.has("no_initial_scan") && scan !== "no";
  return {
    resolvedEvery: resolvedEvery(options, version),
    initialScan: scans,
    scanOnly: scan === "only" || options.has("initial_scan_only"),
    virtualColumns: options.get("virtual_columns") ?? version.virtualColumns,
    schemaChangePolicy: options.get("schema_change_policy") ?? "backfill",
    encodeKey: envelope === "enriched" ? enrichedKeyEncoder(options) : ({ key }) => key,
    encode: valueEncoder(envelope, options, version),
    encodeResolved: (at) =>
      envelope === "wrapped" || envelope === "enriched"
        ? `{"resolved":"${at}"}`
        : `{"__crdb__":{"resolved":"${at}"}}`,
  };
}

function resolvedEvery(options: ReadonlyMap<string, string>, version: VersionProfile): number | undefined {
  const asked = options.get("resolved");
  if (asked === undefined) return undefined;
  const checkpoint = options.get("min_checkpoint_frequency");
  const least = checkpoint === undefined ? version.checkpointEvery : duration(checkpoint);
  return Math.max(asked === "" ? 0 : duration(asked), least);
}

/** A duration as Go reads it, in milliseconds. */
function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (text !== "0" && (parts.length === 0 || parts.map(([part]) => part).join("") !== text)) {
    throw failure(`time: invalid duration ${JSON.stringify(text)}`);
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit!]!, 0);
}

function failure(message: string): SqlError {
  return new SqlError(UNCATEGORIZED, message);
}

function valueEncoder(
  envelope: string,
  options: ReadonlyMap<string, string>,
  version: VersionProfile,
): (row: FeedRow) => string {
  const updated = options.has("updated");
  const mvcc = options.has("mvcc_timestamp");
  const diff = options.has("diff");
  const keyInValue = options.has("key_in_value");
  /** In the order of their names, which is how they are written. */
  const metadata = (row: FeedRow): string[] => [
    ...(keyInValue ? [`"key": ${row.key}`] : []),
    ...(mvcc ? [`"mvcc_timestamp": "${row.written}"`] : []),
    ...(options.has("topic_in_value") ? [`"topic": ${encodeString(row.table)}`] : []),
    ...(updated ? [`"updated": "${row.updated}"`] : []),
  ];
  switch (envelope) {
    case "key_only":
      return () => "";
    case "enriched":
      return enrichedEncoder(options, version.name);
    case "wrapped":
      return (row) => {
        const before = diff ? [`"before": ${row.before ?? "null"}`] : [];
        return `{${[`"after": ${row.after ?? "null"}`, ...before, ...metadata(row)].join(", ")}}`;
      };
    default:
      return (row) => {
        // `row` sends nothing for a deletion; `bare` sends the key with its other columns null, in v22.2 no column at all.
        const ghost = version.since(23, 1) ? row.ghost : "{}";
        const object = row.after ?? (envelope === "bare" ? ghost : undefined);
        if (object === undefined) return "";
        const members = metadata(row);
        return members.length === 0 ? object : withMember(object, "__crdb__", `{${members.join(", ")}}`);
      };
  }
}

/** Puts a member among the sorted ones of a JSON object. */
function withMember(object: string, name: string, json: string): string {
  const members = splitMembers(object);
  return encodeObject([...members, [name, json]]);
}

function splitMembers(object: string): [string, string][] {
  const members: [string, string][] = [];
  const member = /"(?:[^"\\]|\\.)*"/y;
  let i = 1;
  while (object[i] !== "}") {
    member.lastIndex = i;
    const name = member.exec(object)![0];
    const start = i + name.length + 2;
    i = endOfValue(object, start);
    members.push([JSON.parse(name) as string, object.slice(start, i)]);
    if (object[i] === ",") i += 2;
  }
  return members;
}

function endOfValue(object: string, start: number): number {
  let depth = 0;
  for (let i = start;; i++) {
    const char = object[i]!;
    if (char === '"') {
      for (i++; object[i] !== '"'; i++) if (object[i] === "\\") i++;
    } else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && depth > 0) depth--;
    else if (depth === 0 && (char === "," || char === "}")) return i;
  }
}

/** `db.schema.table` as `full_table_name` shows it. */
export function fullName(database: string, schema: string, name: string): string {
  return [database, schema, name].map((part) => /^[a-z_][a-z0-9_$]*$/.test(part) ? part : encodeString(part))
    .join(".");
}
