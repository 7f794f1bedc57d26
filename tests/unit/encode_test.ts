import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Change, Operation, Position } from "../../src/change.ts";
import { type EncodeOptions, messageEncoder, watermarkEncoder } from "../../src/encode.ts";
import { gapMarker } from "../../src/gap.ts";
import { messageId } from "../../src/message_id.ts";
import { rowHash } from "../../src/row_hash.ts";
import { anyColumn, anyHlc, anyRow, anyText, change, hlc, hlcOf } from "../support/arbitrary.ts";
import { readCloudEvent } from "../support/cloud_event.ts";

/** Where a gap begins and ends. */
const gap: [Position, Position] = [{ cursor: hlcOf(1), scanning: false }, {
  cursor: hlcOf(5, 7),
  scanning: true,
}];

const OPTIONS: EncodeOptions = {
  format: "envelope",
  feed: "defaultdb.public.t",
  routingKey: "foo",
  tables: new Map(["t", "u"].map((table) => [table, { schema: "public", database: "defaultdb" }])),
  standardHeaders: false,
  headers: {},
};

function encoder(options: Partial<EncodeOptions> = {}) {
  return messageEncoder({ ...OPTIONS, ...options });
}

/** The messages of the watermark 7.3. */
function watermarks(options: Partial<EncodeOptions> = {}) {
  return watermarkEncoder({ ...OPTIONS, ...options })(hlcOf(7, 3));
}

function body(parts: Partial<Change>, options: Partial<EncodeOptions> = {}): string {
  return encoder(options)(change(parts)).body;
}

Deno.test("envelope is the original's body, byte for byte", () => {
  assert.equal(
    body({ table: "foo", key: "[54]", value: '{"after": {"a": 54, "b": null}}' }),
    '{"table":"foo","key":"[54]","value":{"after": {"a": 54, "b": null}}}',
  );
});

Deno.test("envelope keeps every digit and every byte of the recorded types (G5)", () => {
  const value =
    '{"after": {"by": "\\\\x00ff", "d": 12345678901234567890.123456789012345678901, "f": 1E+300, ' +
    '"i8": 9223372036854775807, "j": {"k": [1, 2.50, null, {"z": "é"}]}, ' +
    '"s": "quo\\"te \\\\ back / slash < > & é 😀 tab\\t nl\\n end"}}';
  const key = '["63616665-6630-3064-6465-616462656562"]';
  assert.equal(body({ key, value }), `{"table":"t","key":${JSON.stringify(key)},"value":${value}}`);
});

Deno.test("envelope parses to the same table and key, and holds the value's bytes as they came (G5)", () => {
  const anyKey = fc.oneof(anyText, fc.array(anyColumn).map((columns) => `[${columns.join(", ")}]`));
  fc.assert(fc.property(anyText, anyKey, anyRow, (table, key, value) => {
    const text = body({ table, key, value });
    const parsed = JSON.parse(text);
    assert.deepEqual(Object.keys(parsed), ["table", "key", "value"]);
    assert.equal(parsed.table, table);
    assert.equal(parsed.key, key);
    assert.deepEqual(parsed.value, JSON.parse(value));
    assert.ok(text.endsWith(`,"value":${value}}`));
  }));
});

Deno.test("envelope is valid UTF-8 and JSON even for half a surrogate pair in a key", () => {
  for (const half of ["\ud83d", "\ude00", "a\ud83db"]) {
    assert.equal(JSON.parse(body({ table: half, key: half, value: "{}" })).key, half);
  }
});

Deno.test("envelope keeps a value of a megabyte", () => {
  const value = `{"after": {"a": ${JSON.stringify('é😀"\\'.repeat(100_000))}, "d": 1.10}}`;
  assert.equal(body({ value }), `{"table":"t","key":"[1]","value":${value}}`);
});

Deno.test("a change without a value (key_only) has null for one", () => {
  assert.equal(body({ value: "" }), '{"table":"t","key":"[1]","value":null}');
  assert.equal(body({ value: "" }, { format: "value" }), "null");
  assert.equal(JSON.parse(body({ value: "" }, { format: "cloudevents" })).data, null);
});

Deno.test("value is the value column alone", () => {
  fc.assert(fc.property(anyRow, (value) => {
    assert.equal(body({ value }, { format: "value" }), value);
  }));
});

Deno.test("cloudevents is structured CloudEvents 1.0 JSON with the value as data", () => {
  const updated = hlc("1795327222747839112.0000000000");
  const message = encoder({ format: "cloudevents", feed: "d.public.t+d.public.u v" })(
    change({ key: '["k"]', value: '{"after": {"d": 1.10}}', updated, operation: "delete" }),
  );
  assert.equal(message.contentType, "application/cloudevents+json");
  assert.equal(
    message.body,
    '{"specversion":"1.0","source":"/crdb-changefeed-publisher/d.public.t%2Bd.public.u%20v",' +
      `"datacontenttype":"application/json","id":"${messageId(updated, rowHash("t", '["k"]'))}",` +
      '"type":"crdb.changefeed.delete","subject":"[\\"k\\"]","time":"2026-11-22T06:00:22.747839112Z",' +
      '"table":"t","data":{"after": {"d": 1.10}}}',
  );
});

Deno.test("cloudevents is what the specification's JSON schema asks for, whatever happened to the row", () => {
  const operations: Operation[] = ["insert", "update", "upsert", "delete", "read", "gap"];
  const anyFeed = fc.oneof(anyText.filter((text) => text.isWellFormed()), fc.constant('d.s.t+"d d".s.ü%'));
  const anyChange = fc.record({
    key: anyText.map((text) => JSON.stringify([text])),
    value: fc.oneof(anyRow, fc.constant("")),
    updated: fc.option(anyHlc, { nil: undefined }),
    operation: fc.constantFrom(...operations),
  });
  fc.assert(
    fc.property(anyFeed, anyChange, (feed, parts) => {
      const event = readCloudEvent(body(parts, { format: "cloudevents", feed }));
      assert.equal(event["type"], `crdb.changefeed.${parts.operation}`);
    }),
    { numRuns: 50 },
  );
  readCloudEvent(encoder({ format: "cloudevents" })(gapMarker("t", ...gap)).body);
  for (const { body } of watermarks({ format: "cloudevents", routingKey: "{table}" })) readCloudEvent(body);
});

Deno.test("cloudevents gives changes without a timestamp an id of their own: nobody can tell repeats", () => {
  const format = "cloudevents";
  const [first, second] = [1, 2].map(() => JSON.parse(body({ updated: undefined }, { format })).id);
  assert.notEqual(first, second);
});

Deno.test("cloudevents keeps table, key and value of anything", () => {
  fc.assert(
    fc.property(
      anyText,
      anyText,
      anyRow,
      fc.option(anyHlc, { nil: undefined }),
      (table, key, value, updated) => {
        const text = body({ table, key, value, updated }, { format: "cloudevents" });
        const event = JSON.parse(text);
        assert.deepEqual([event.table, event.subject], [table || undefined, key || undefined]);
        assert.equal("time" in event, updated !== undefined);
        assert.ok(text.endsWith(`,"data":${value}}`));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("properties of a JSON row take 64 bytes at most: the last place at which the broker is fast", () => {
  for (const operation of ["insert", "update", "upsert", "delete", "read"] as const) {
    const { contentType, messageId, type } = encoder()(
      change({ updated: hlc("1795327222747839112.0000000000"), operation }),
    );
    const shortString = (text: string | undefined) => 1 + Buffer.byteLength(text ?? "");
    const flags = 2, deliveryMode = 1;
    const size = flags + shortString(contentType) + deliveryMode + shortString(messageId) + shortString(type);
    assert.ok(size <= 64, `${operation}: ${size}`);
  }
});

Deno.test("message carries content type, operation and message-id of the change", () => {
  const updated = hlcOf(7, 3);
  const message = encoder()(change({ updated, operation: "delete" }));
  assert.equal(message.contentType, "application/json");
  assert.equal(message.type, "delete");
  assert.equal(message.messageId, messageId(updated, rowHash("t", "[1]")));
  assert.equal(encoder()(change({ updated: undefined })).messageId, undefined);
});

Deno.test("every repeat of a change is the same message", () => {
  fc.assert(
    fc.property(anyText, anyText, anyRow, anyHlc, (table, key, value, updated) => {
      const parts = { table, key, value, updated };
      assert.deepEqual(encoder()(change(parts)), encoder()(change(parts)));
    }),
    { numRuns: 30 },
  );
});

Deno.test("a watermark's body is what CockroachDB writes, and the data of a cloud event", () => {
  const resolved = "7.0000000003";
  for (const format of ["envelope", "value"] as const) {
    assert.deepEqual(watermarks({ format }), [{
      body: `{"resolved":"${resolved}"}`,
      contentType: "application/json",
      messageId: messageId(hlcOf(7, 3), rowHash("", "")),
      type: "resolved",
      routingKey: "foo",
      headers: undefined,
    }]);
  }
  const [event] = watermarks({ format: "cloudevents" });
  const { id, type, data, ...rest } = readCloudEvent(event?.body ?? "");
  assert.deepEqual([id, type, data], [event?.messageId, "crdb.changefeed.resolved", { resolved }]);
  assert.deepEqual(Object.keys(rest), ["specversion", "source", "datacontenttype", "time"]);
});

Deno.test("there is a watermark for each table where routing key or headers tell tables apart", () => {
  const of = (options: Partial<EncodeOptions>) =>
    watermarks(options).map(({ routingKey, headers }) => [routingKey, headers]);
  assert.deepEqual(of({ routingKey: "{op}.{key}.{feed}" }), [["resolved..defaultdb.public.t", undefined]]);
  assert.deepEqual(of({ routingKey: "{table}.{op}" }), [["t.resolved", undefined], [
    "u.resolved",
    undefined,
  ]]);
  assert.deepEqual(of({ headers: { t: "{schema}.{table}" } }), [
    ["foo", { t: "public.t" }],
    ["foo", { t: "public.u" }],
  ]);
  const standard = { key: "", updated: "7.0000000003", feed: "defaultdb.public.t" };
  assert.deepEqual(of({ standardHeaders: true }), [
    ["foo", { ...standard, table: "t" }],
    ["foo", { ...standard, table: "u" }],
  ]);
  const ids = watermarks({ routingKey: "{table}", format: "cloudevents" }).map(({ messageId }) => messageId);
  assert.equal(new Set(ids).size, 2);
});
