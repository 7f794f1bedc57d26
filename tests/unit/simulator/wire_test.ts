import assert from "node:assert/strict";
import fc from "fast-check";
import { readFeedOptions } from "../../simulator/feed_options.ts";
import { BodyReader, FrameReader, framesOf } from "../../simulator/frames.ts";
import * as messages from "../../simulator/messages.ts";
import type { FeedRow } from "../../simulator/row_source.ts";
import { RowWriter } from "../../simulator/row_writer.ts";
import { DEFAULT_VERSION, versionProfile } from "../../simulator/version.ts";

/** Of one to four bytes in UTF-8, with what JSON escapes. */
const anyText = fc.string({
  unit: fc.constantFrom("a", "B", "é", "€", "\uffff", "😀", '"', "\\", "\n", "\u0001", "\u007f", "\u2028"),
});

const old = versionProfile(DEFAULT_VERSION);
const modern = versionProfile("v23.1.14");
const options = (...entries: [string, string][]) => new Map(entries);
const row: FeedRow = {
  kind: "row",
  at: "5.0000000000" as FeedRow["at"],
  updated: "5.0000000000",
  written: "5.0000000000",
  table: "foo",
  key: "[1]",
  after: '{"Z": {"a": "}"}, "a": 1}',
  before: undefined,
  rescan: false,
  ghost: undefined,
  origin: { database: "d", schema: "public", name: "foo", primaryKeys: ["a"] },
};
const deleted: FeedRow = { ...row, after: undefined, before: row.after, ghost: '{"Z": null, "a": 1}' };

Deno.test("FrameReader gives the same messages however the bytes are cut", () => {
  const sent = [messages.query("SELECT 1"), messages.SYNC, messages.parse("s", "x", [20])];
  const bytes = Uint8Array.from(sent.flatMap((message) => [...message]));
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
    const reader = new FrameReader();
    const stops = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    const frames = stops.slice(1).flatMap((stop, index) => reader.push(bytes.slice(stops[index], stop)));
    assert.deepEqual(frames, framesOf(bytes));
  }));
});

Deno.test("RowWriter writes what dataRow() does, of any length", () => {
  const encoder = new TextEncoder();
  fc.assert(fc.property(anyText, fc.boolean(), (value, binary) => {
    const writer = new RowWriter(binary ? [1, 1, 1] : []);
    writer.add(null, null, "{}");
    writer.take();
    writer.add("t", "[1]", value);
    const bytes = (text: string) => encoder.encode(binary ? text : `\\x${encoder.encode(text).toHex()}`);
    assert.deepEqual(writer.take(), messages.dataRow([encoder.encode("t"), bytes("[1]"), bytes(value)]));
  }));
});

Deno.test("textRow() gives binary values when asked", () => {
  const fields = [{ name: "b", type: "bool" }, { name: "i", type: "int" }] as const;
  const [frame] = framesOf(messages.textRow(fields, [1], ["t", "7"]));
  const reader = new BodyReader(frame!.body);
  reader.int16();
  assert.deepEqual(reader.bytes(reader.int32()), Uint8Array.of(1));
  assert.deepEqual(reader.bytes(reader.int32()), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7));
});

Deno.test("readFeedOptions() scans without a cursor, and with one only when told to", () => {
  assert.equal(readFeedOptions(options(), old).initialScan, true);
  assert.equal(readFeedOptions(options(["no_initial_scan", ""]), old).initialScan, false);
  assert.equal(readFeedOptions(options(["cursor", "1"]), old).initialScan, false);
  assert.equal(readFeedOptions(options(["cursor", "1"], ["initial_scan", ""]), old).initialScan, true);
});

Deno.test("readFeedOptions() lets min_checkpoint_frequency slow down resolved, 30 s on new versions by default", () => {
  assert.equal(readFeedOptions(options(["resolved", "1.5s"]), old).resolvedEvery, 1500);
  assert.equal(readFeedOptions(options(["resolved", "1s"]), modern).resolvedEvery, 30_000);
  assert.equal(
    readFeedOptions(options(["resolved", "1s"], ["min_checkpoint_frequency", "2s"]), modern).resolvedEvery,
    2000,
  );
  assert.throws(
    () => readFeedOptions(options(["resolved", "ten seconds"]), old),
    /invalid duration "ten seconds"/,
  );
});

Deno.test("encode() writes every envelope", () => {
  const encode = (given: FeedRow, ...entries: [string, string][]) =>
    readFeedOptions(options(...entries), modern).encode(given);
  assert.equal(encode(deleted), '{"after": null}');
  assert.equal(
    encode(row, ["diff", ""], ["updated", ""], ["mvcc_timestamp", ""], ["key_in_value", ""]),
    `{"after": ${row.after}, "before": null, "key": [1], "mvcc_timestamp": "5.0000000000", "updated": "5.0000000000"}`,
  );
  assert.equal(
    encode(row, ["envelope", "row"], ["updated", ""]),
    '{"Z": {"a": "}"}, "__crdb__": {"updated": "5.0000000000"}, "a": 1}',
  );
  assert.equal(encode(deleted, ["envelope", "row"], ["updated", ""]), "");
  assert.equal(
    encode(deleted, ["envelope", "bare"], ["updated", ""]),
    '{"Z": null, "__crdb__": {"updated": "5.0000000000"}, "a": 1}',
  );
  assert.equal(encode(row, ["envelope", "key_only"]), "");
  assert.equal(encode(row, ["topic_in_value", ""]), `{"after": ${row.after}, "topic": "foo"}`);
});

Deno.test("encode() writes what each version has", () => {
  const encode = (version: string, given: FeedRow, ...entries: [string, string][]) =>
    readFeedOptions(options(...entries), versionProfile(version)).encode(given);
  const bare: [string, string][] = [["envelope", "bare"], ["updated", ""]];
  assert.equal(encode("v22.2.0", deleted, ...bare), '{"__crdb__": {"updated": "5.0000000000"}}');
  assert.throws(() => encode("v22.1.0", row, ...bare), /unknown envelope: bare/);
  assert.throws(() => encode("v25.1.0", row, ["envelope", "enriched"]), /unknown envelope: enriched/);
});

Deno.test("encode() writes enriched values as v25.2 does, with keys that are objects", () => {
  const enriched = (...entries: [string, string][]) =>
    readFeedOptions(options(["envelope", "enriched"], ...entries), versionProfile("v25.2.0"));
  const plain = enriched();
  assert.match(plain.encode(row), /^\{"after": \{.*\}, "op": "c", "ts_ns": \d{19}\}$/);
  assert.match(plain.encode(deleted), /^\{"after": null, "op": "d", "ts_ns": \d{19}\}$/);
  assert.equal(
    plain.encodeKey({ ...row, key: '[1, "x, y"]', origin: { ...row.origin, primaryKeys: ["b", "a"] } }),
    '{"a": "x, y", "b": 1}',
  );
  const full = enriched(["enriched_properties", "schema,source"], ["updated", ""], ["diff", ""]);
  const { payload, schema } = JSON.parse(full.encode(row));
  assert.deepEqual(Object.keys(payload), ["after", "before", "op", "source", "ts_ns"]);
  assert.equal(payload.source.ts_hlc, row.at);
  assert.deepEqual(payload.source.primary_keys, ["a"]);
  assert.equal(schema.name, "foo.envelope");
  assert.deepEqual(JSON.parse(full.encodeKey(row)).payload, { a: 1 });
});
