import { encodeObject, encodeString } from "./encoding.ts";
import type { FeedRow } from "./row_source.ts";

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/** Reads `enriched_properties`: what a row's value holds beside what it always holds. */
function propertiesOf(options: ReadonlyMap<string, string>): ReadonlySet<string> {
  return new Set((options.get("enriched_properties") ?? "").split(",").map((name) => name.trim()));
}

/** The key column under `envelope=enriched`: an object (v25.2's page changefeed-message-envelopes, field `key`). */
export function enrichedKeyEncoder(options: ReadonlyMap<string, string>): (row: FeedRow) => string {
  if (!propertiesOf(options).has("schema")) return keyObject;
  return (row) => `{"payload": ${keyObject(row)}, "schema": ${schemaOf(row, "key", ["key"])}}`;
}

/**
 * The value column under `envelope=enriched`, as v25.2's page changefeed-message-envelopes and CockroachDB's own tests
 * (TestChangefeedEnriched, TestChangefeedEnrichedWithDiff) have it; of the schema only the outline.
 */
export function enrichedEncoder(
  options: ReadonlyMap<string, string>,
  version: string,
): (row: FeedRow) => string {
  const properties = propertiesOf(options);
  return (row) => {
    const members: [string, string][] = [
      ["after", row.after ?? "null"],
      ["op", encodeString(row.after === undefined ? "d" : row.before === undefined ? "c" : "u")],
      ["ts_ns", String(BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND)],
    ];
    if (options.has("diff")) members.push(["before", row.before ?? "null"]);
    if (options.has("key_in_value")) members.push(["key", keyObject(row)]);
    if (properties.has("source")) members.push(["source", sourceOf(row, options, version)]);
    const payload = encodeObject(members);
    if (!properties.has("schema")) return payload;
    const schema = schemaOf(row, "envelope", members.map(([name]) => name));
    return `{"payload": ${payload}, "schema": ${schema}}`;
  };
}

function sourceOf(row: FeedRow, options: ReadonlyMap<string, string>, version: string): string {
  const { database, schema, name, primaryKeys } = row.origin;
  const texts: Readonly<Record<string, string>> = {
    changefeed_sink: "sinkless buffer",
    cluster_id: "38269e9c-9823-4568-875e-000000000000",
    cluster_name: "",
    database_name: database,
    db_version: version,
    job_id: "0",
    node_id: "1",
    node_name: "localhost",
    origin: "cockroachdb",
    schema_name: schema,
    source_node_locality: "",
    table_name: name,
    ...(options.has("mvcc_timestamp") ? { mvcc_timestamp: row.written } : {}),
    ...(options.has("updated") ? { ts_hlc: row.updated } : {}),
  };
  return encodeObject([
    ...Object.entries(texts).map(([name, text]) => [name, encodeString(text)] as const),
    ["primary_keys", `[${primaryKeys.map(encodeString).join(", ")}]`],
    ...(options.has("updated") ? [["ts_ns", row.at.slice(0, row.at.indexOf("."))] as const] : []),
  ]);
}

function schemaOf({ origin }: FeedRow, what: string, fields: readonly string[]): string {
  const list = fields.map((field) => `{"field": ${encodeString(field)}, "optional": false}`).join(", ");
  return `{"fields": [${list}], "name": ${encodeString(`${origin.name}.${what}`)}, "type": "struct"}`;
}

function keyObject({ key, origin }: FeedRow): string {
  const values = topLevelItems(key);
  return encodeObject(origin.primaryKeys.map((name, index) => [name, values[index] ?? "null"] as const));
}

/** The items of a JSON array, as they are written. */
function topLevelItems(array: string): string[] {
  return [...array.slice(1, -1).matchAll(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g)].map(([item]) => item.trim());
}
