import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { envelopeReader, type WireRow } from "../../src/cockroach/envelope.ts";

/** Rows of the changefeeds in one recording, with the statement they answer. */
interface RecordedRow {
  readonly file: string;
  readonly sql: string;
  readonly row: WireRow;
}

const folder = new URL("data/", import.meta.url);
const VERSIONS = ["20.2", "21.2", "22.1"];
/** Counted with another program. */
const RESOLVED_ROWS = 57 + 70 + 90;
const CHANGE_ROWS = 55 + 84 + 104;
const TIMESTAMP = "1795327222747839112.0000000000";

function recordedRows(): RecordedRow[] {
  return VERSIONS.flatMap((version) =>
    readdirSync(new URL(version, folder)).filter((name) => name.endsWith(".jsonl")).sort()
      .flatMap((name) => rowsOf(`${version}/${name}`))
  );
}

function rowsOf(file: string): RecordedRow[] {
  const statements = new Map<number, string>();
  const rows: RecordedRow[] = [];
  for (const line of readFileSync(new URL(file, folder), "utf8").trimEnd().split("\n")) {
    const { conn, sql, msg, values } = JSON.parse(line);
    if (typeof sql === "string") statements.set(conn, sql);
    const statement = statements.get(conn) ?? "";
    if (msg !== "DataRow" || !/^(?:EXPERIMENTAL|CREATE) CHANGEFEED FOR/.test(statement)) continue;
    const [table, key, value] = values.map(text);
    rows.push({ file, sql: statement, row: { table, key, value } });
  }
  return rows;
}

/** BYTES are recorded as `\x` and hex where the client asked for text. */
function text(value: string | null): string | null {
  return value?.startsWith("\\x") ? Buffer.from(value.slice(2), "hex").toString() : value;
}

Deno.test("envelopeReader() reads every resolved row of every recording", () => {
  const resolved = recordedRows().filter(({ row }) => row.table === null);
  assert.equal(resolved.length, RESOLVED_ROWS);
  for (const { file, sql, row } of resolved) {
    const shape = sql.includes("key_only") ? "key_only" : "wrapped";
    const read = envelopeReader({ shape, keepUpdated: false, diff: false, scanTimestamp: undefined });
    const event = read(row);
    assert.equal(event.kind, "resolved", file);
    assert.ok(event.kind === "resolved" && row.value?.includes(`"${event.timestamp}"`), file);
  }
});

Deno.test("envelopeReader() reads every change of every recording, and keeps each byte of its value", () => {
  const changes = recordedRows().filter(({ row }) => row.table !== null);
  assert.equal(changes.length, CHANGE_ROWS);
  for (const { file, sql, row } of changes) {
    const shape = sql.includes("key_only") ? "key_only" : "wrapped";
    const diff = /\bdiff\b/.test(sql);
    const recorded = row.value ?? "";
    // A feed that was opened without `updated` would have sent the same value with the timestamp at its end.
    const asked = /\bupdated\b/.test(sql) || shape === "key_only";
    const value = asked ? recorded : `${recorded.slice(0, -1)}, "updated": "${TIMESTAMP}"}`;
    const event = envelopeReader({ shape, keepUpdated: false, diff, scanTimestamp: undefined })({
      ...row,
      value,
    });
    assert.ok(event.kind === "change", file);
    assert.deepEqual([event.table, event.key], [row.table, row.key], file);
    if (shape === "key_only") {
      assert.deepEqual([event.value, event.updated, event.operation], ["", undefined, "upsert"], file);
      continue;
    }
    const { after, before, updated } = JSON.parse(value);
    assert.equal(event.updated, updated, file);
    assert.equal(event.value, recorded.replace(/, "updated": "[0-9.]+"(?=\}$)/, ""), file);
    const expected = after === null ? "delete" : !diff ? "upsert" : before === null ? "insert" : "update";
    assert.equal(event.operation, expected, file);
  }
});

Deno.test("envelopeReader() tells the initial scan of recording schema-change-add-column-default-backfill", () => {
  const rows = rowsOf("20.2/schema-change-add-column-default-backfill.jsonl");
  const [scan] = rows.filter(({ row }) => row.table === null);
  const scanTimestamp = JSON.parse(scan?.row.value ?? "").resolved;
  const read = envelopeReader({ shape: "wrapped", keepUpdated: false, diff: false, scanTimestamp });
  const operations = rows.map(({ row }) => read(row)).map((event) =>
    event.kind === "change" ? event.operation : "resolved"
  );
  assert.deepEqual(operations.slice(0, 5), ["read", "read", "resolved", "upsert", "upsert"]);
  assert.equal(operations.filter((operation) => operation === "read").length, 2);
});
