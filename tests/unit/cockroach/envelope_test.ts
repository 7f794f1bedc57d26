import assert from "node:assert/strict";
import fc from "fast-check";
import { changeOf } from "../../../src/change.ts";
import type { Change, FeedEvent, Operation } from "../../../src/change.ts";
import {
  type EnvelopeOptions,
  envelopeReader,
  type EnvelopeShape,
  type WireRow,
} from "../../../src/cockroach/envelope.ts";
import { AgentError } from "../../../src/errors.ts";
import { anyColumn, anyHlc, anyRow, anyText, hlc, hlcOf, printObject } from "../../support/arbitrary.ts";

const SHAPES: readonly EnvelopeShape[] = ["wrapped", "enriched", "row", "bare", "key_only"];
const T = hlc("1795327222747839112.0000000000");

function read(row: WireRow, options: Partial<EnvelopeOptions> = {}): FeedEvent {
  return envelopeReader({
    shape: "wrapped",
    keepUpdated: false,
    diff: false,
    scanTimestamp: undefined,
    ...options,
  })(row);
}

function readChange(value: string, options: Partial<EnvelopeOptions> = {}): Change {
  const event = read({ table: "foo", key: "[54]", value }, options);
  assert.equal(event.kind, "change");
  return event as Change;
}

function refused(row: WireRow, options: Partial<EnvelopeOptions> = {}): AgentError {
  try {
    read(row, options);
  } catch (error) {
    assert.ok(error instanceof AgentError);
    assert.equal(error.kind, "EnvelopeMalformed");
    return error;
  }
  assert.fail(`read ${JSON.stringify(row)}`);
}

Deno.test("wrapped: the timestamp is cut off the value, and what is left is the original's body", () => {
  assert.deepEqual(
    read({
      table: "sc",
      key: "[1]",
      value: '{"after": {"a": 1}, "updated": "1795327179713724316.0000000000"}',
    }),
    changeOf({
      table: "sc",
      key: "[1]",
      value: '{"after": {"a": 1}}',
      updated: hlc("1795327179713724316.0000000000"),
      operation: "upsert",
    }),
  );
});

Deno.test("wrapped: the timestamp stays where the user asked for it", () => {
  const value = '{"after": {"a": 1}, "updated": "1795327179713724316.0000000000"}';
  assert.equal(readChange(value, { keepUpdated: true }).value, value);
});

Deno.test("wrapped: the timestamp may have a logical part and any length", () => {
  for (
    const timestamp of ["1795327197232417335.2147483647", "7.0000000000", "99999999999999999999.0000000001"]
  ) {
    const change = readChange(`{"after": null, "updated": "${timestamp}"}`);
    assert.deepEqual([change.updated, change.value], [timestamp, '{"after": null}']);
  }
});

Deno.test("synthetic timestamps of GLOBAL tables are read in every shape, and only their own member is cut", () => {
  const synthetic = "1795919737001371848.0000000002?", updated = "1795919737001371848.0000000002";
  const meta = `"mvcc_timestamp": "${synthetic}"`;
  const cases: [EnvelopeShape, Partial<EnvelopeOptions>, string, string, Operation][] = [
    ["wrapped", {}, `{"after": {"a": 1}, "updated": "${synthetic}"}`, '{"after": {"a": 1}}', "upsert"],
    [
      "wrapped",
      { diff: true },
      `{"after": {"a": 1}, "before": null, ${meta}, "updated": "${synthetic}"}`,
      `{"after": {"a": 1}, "before": null, ${meta}}`,
      "insert",
    ],
    ["row", {}, `{"after": {"a": 1}, "updated": "${synthetic}"}`, '{"a": 1}', "upsert"],
    ["bare", {}, `{"__crdb__": {"updated": "${synthetic}"}, "a": 1}`, '{"a": 1}', "upsert"],
    [
      "enriched",
      {},
      `{"after": {"a": 1}, "op": "c", "source": {"ts_hlc": "${synthetic}"}, "ts_ns": 1}`,
      '{"after": {"a": 1}, "op": "c", "ts_ns": 1}',
      "insert",
    ],
  ];
  for (const [shape, options, value, body, operation] of cases) {
    const change = readChange(value, { shape, ...options });
    assert.deepEqual([change.updated, change.value, change.operation], [updated, body, operation]);
    const scanTimestamp = hlc(updated);
    assert.equal(readChange(value, { shape, ...options, scanTimestamp }).operation, "read");
    if (shape === "row") continue;
    assert.equal(readChange(value, { shape, ...options, keepUpdated: true }).value, value);
  }
  for (const value of [`{"resolved":"${synthetic}"}`, `{"__crdb__":{"resolved":"${synthetic}"}}`]) {
    assert.deepEqual(read({ table: null, key: null, value }), { kind: "resolved", timestamp: updated });
  }
});

Deno.test("wrapped: a column that looks like the timestamp, where one of usual length would stand, is not it", () => {
  const value = `{"after": null, "before": {"after": null, "updated": " "}, "updated": "10.0000000000"}`;
  assert.equal(value.slice(-46, -32), ', "updated": "');
  assert.equal(readChange(value, { diff: true }).updated, "10.0000000000");
});

Deno.test("wrapped: deletions are told from upserts, with and without diff", () => {
  const deleted = `{"after": null, "updated": "${T}"}`;
  const deletedDiff = `{"after": null, "before": {"a": 54, "b": 10}, "updated": "${T}"}`;
  assert.equal(readChange(deleted).operation, "delete");
  assert.equal(readChange(deletedDiff, { diff: true }).operation, "delete");
  assert.equal(readChange(`{"after": {"a": 54}, "updated": "${T}"}`).operation, "upsert");
});

Deno.test("wrapped: insert and update are told apart by diff", () => {
  const cases: readonly [string, Operation][] = [
    [`{"after": {"a": 1}, "before": null, "updated": "${T}"}`, "insert"],
    [`{"after": {"a": 1}, "before": {"a": 0}, "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": {"z": null}, "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": {"z": {"before": null}}, "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": {"a": "x", "before": null}, "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": {"z": ", \\"before\\": null}"}, "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": null, "mvcc_timestamp": "${T}", "updated": "${T}"}`, "insert"],
    [`{"after": {"a": 1}, "before": {"a": 0}, "mvcc_timestamp": "${T}", "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": null, "key": [54], "updated": "${T}"}`, "insert"],
    [`{"after": {"a": 1}, "before": {"a": 0}, "key": [54], "updated": "${T}"}`, "update"],
    [`{"after": {"a": 1}, "before": {"before": null, "key": [54]}, "updated": "${T}"}`, "update"],
    [
      `{"after": {"a": 1}, "before": {"before": null, "key": [54]}, "key": [54], "updated": "${T}"}`,
      "update",
    ],
    [
      `{"after": {"a": 1}, "before": null, "key": [54], "mvcc_timestamp": "${T}", "topic": "a \\"b\\"", "updated": "${T}"}`,
      "insert",
    ],
    [`{"after": {"a": 1}, "before": {"a": 0, "topic": "b"}, "topic": "foo", "updated": "${T}"}`, "update"],
  ];
  for (const [value, operation] of cases) {
    assert.equal(readChange(value, { diff: true }).operation, operation, value);
  }
});

Deno.test("every shape: rows of exactly the scan's timestamp are reads", () => {
  const later = hlcOf(BigInt(T.slice(0, 19)), 1);
  for (
    const [shape, print] of [
      ["wrapped", (t: string) => `{"after": {"a": 1}, "updated": "${t}"}`],
      ["row", (t: string) => `{"after": {"a": 1}, "updated": "${t}"}`],
      ["bare", (t: string) => `{"__crdb__": {"updated": "${t}"}, "a": 1}`],
    ] as const
  ) {
    assert.equal(readChange(print(T), { shape, scanTimestamp: T }).operation, "read", shape);
    assert.equal(readChange(print(later), { shape, scanTimestamp: T }).operation, "upsert", shape);
    assert.equal(readChange(print(T), { shape }).operation, "upsert", shape);
  }
});

Deno.test("wrapped: cutting agrees with JSON.parse for rows of anything, and keeps every byte (G5)", () => {
  fc.assert(
    fc.property(anyRow, fc.option(anyRow), fc.boolean(), anyHlc, (after, before, diff, updated) => {
      const members: [string, string][] = [["after", after]];
      if (diff) members.push(["before", before ?? "null"]);
      const value = printObject([...members, ["updated", `"${updated}"`]]);
      const change = readChange(value, { diff });
      assert.equal(change.value, printObject(members));
      assert.equal(change.updated, updated);
      assert.equal(change.operation, !diff ? "upsert" : before === null ? "insert" : "update");
      const parsed = JSON.parse(value);
      assert.equal(parsed.updated, change.updated);
      delete parsed.updated;
      assert.deepEqual(JSON.parse(change.value), parsed);
    }),
    { numRuns: 300 },
  );
});

Deno.test("wrapped: a value of a megabyte is cut at the same place", () => {
  const text = JSON.stringify(`, "updated": "${T}"}😀\u0000`.repeat(25_000));
  const change = readChange(`{"after": {"a": ${text}}, "updated": "${T}"}`);
  assert.ok(text.length > 1_000_000);
  assert.equal(change.value, `{"after": {"a": ${text}}}`);
});

Deno.test("bare: the timestamp is found among the columns, wherever the order puts it", () => {
  fc.assert(
    fc.property(anyRow, anyHlc, fc.boolean(), (row, updated, mvcc) => {
      const meta: [string, string][] = [["updated", `"${updated}"`]];
      if (mvcc) meta.push(["mvcc_timestamp", `"${T}"`]);
      const columns = Object.entries(JSON.parse(row)).map(([name, json]) =>
        [name, JSON.stringify(json)] as const
      );
      const value = printObject([...columns, ["__crdb__", printObject(meta)]]);
      const change = readChange(value, { shape: "bare" });
      assert.equal(change.updated, updated);
      assert.equal(change.value, mvcc ? value : printObject(columns), "nobody asked for the metadata");
      assert.equal(readChange(value, { shape: "bare", keepUpdated: true }).value, value);
      assert.equal(change.operation, columns.length === 0 ? "delete" : "upsert");
    }),
    { numRuns: 300 },
  );
});

Deno.test("bare: the words of the timestamp in a column deeper down are not it", () => {
  const decoy = `{"__crdb__": {"updated": "1.0000000000"}}`;
  const columns = `"A": ${decoy}, "B": ${JSON.stringify(decoy)}, "C": [${decoy}]`;
  assert.equal(readChange(`{${columns}, "__crdb__": {"updated": "${T}"}}`, { shape: "bare" }).updated, T);
  refused({ table: "t", key: "[1]", value: `{${columns}}` }, { shape: "bare" });
});

Deno.test("row: a query may bring the row before with it, which is left out", () => {
  const value = `{"after": {"a": {"before": 1}}, "before": {"a": 0}, "updated": "${T}"}`;
  assert.equal(readChange(value, { shape: "row" }).value, '{"a": {"before": 1}}');
});

Deno.test("row: the row alone is cut out of the wrapped value, and a deletion has its timestamp too", () => {
  fc.assert(
    fc.property(fc.option(anyRow), anyHlc, (row, updated) => {
      const value = `{"after": ${row ?? "null"}, "updated": "${updated}"}`;
      assert.deepEqual(
        read({ table: "foo", key: "[54]", value }, { shape: "row" }),
        changeOf({
          table: "foo",
          key: "[54]",
          value: row ?? "",
          updated,
          operation: row === null ? "delete" : "upsert",
        }),
      );
    }),
    { numRuns: 100 },
  );
});

Deno.test("key_only: a change has neither value nor timestamp", () => {
  for (const value of ["", null]) {
    assert.deepEqual(
      read({ table: "foo", key: "[54]", value }, { shape: "key_only", scanTimestamp: T }),
      changeOf({
        table: "foo",
        key: "[54]",
        value: "",
        updated: undefined,
        operation: "upsert",
      }),
    );
  }
});

Deno.test("every shape: a row without table and key is a resolved timestamp, in both of its spellings", () => {
  for (const shape of SHAPES) {
    for (
      const value of [
        `{"resolved":"${T}"}`,
        `{"resolved": "${T}"}`,
        `{"__crdb__":{"resolved":"${T}"}}`,
        `{"__crdb__": {"resolved": "${T}"}}`,
      ]
    ) {
      assert.deepEqual(read({ table: null, key: null, value }, { shape }), {
        kind: "resolved",
        timestamp: T,
      });
    }
  }
  assert.deepEqual(
    read({ table: null, key: null, value: '{"resolved":"1795327197232417335.2147483647"}' }),
    { kind: "resolved", timestamp: "1795327197232417335.2147483647" },
  );
});

Deno.test("a malformed row is refused without a word of it in the text (G9)", () => {
  const secret = "4111-1111-1111-1111";
  const rows: readonly (readonly [EnvelopeShape, WireRow])[] = [
    ["wrapped", { table: "t", key: "[1]", value: null }],
    ["wrapped", { table: "t", key: `["${secret}"]`, value: `{"after": {"card": "${secret}"}}` }],
    ["wrapped", {
      table: "t",
      key: "[1]",
      value: `{"after": {"card": "${secret}"}, "updated": "${secret}"}`,
    }],
    ["wrapped", {
      table: "t",
      key: "[1]",
      value: `{"after": {"card": "${secret}"}, "updated": "01.0000000000"}`,
    }],
    ["wrapped", {
      table: "t",
      key: "[1]",
      value: `{"after": {"card": "${secret}", "updated": "1.0000000000"}}`,
    }],
    ["wrapped", { table: "t", key: "[1]", value: secret }],
    ["row", { table: "t", key: "[1]", value: `{"card": "${secret}"}` }],
    ["row", { table: "t", key: "[1]", value: `{"card": "${secret}", "updated": "${T}"}` }],
    ["bare", { table: "t", key: "[1]", value: `{"__crdb__": {"updated": "${secret}"}, "card": 1}` }],
    ["bare", { table: "t", key: "[1]", value: `{"__crdb__": {"updated": "${T}"}, "card": "${secret}"` }],
    ["enriched", { table: "t", key: "{}", value: `{"after": {"card": "${secret}"}, "op": "c", "ts_ns": 1}` }],
    ["enriched", {
      table: "t",
      key: "{}",
      value: `{"after": {"card": "${secret}"}, "source": {"ts_hlc": "${T}"}}`,
    }],
    ["bare", { table: "t", key: "[1]", value: "" }],
    ["bare", { table: "t", key: "[1]", value: `"${secret}` }],
    ["wrapped", { table: null, key: null, value: null }],
    ["wrapped", { table: null, key: null, value: `{"card": "${secret}"}` }],
    ["wrapped", { table: "t", key: null, value: `{"after": {"card": "${secret}"}, "updated": "${T}"}` }],
    ["wrapped", { table: null, key: `["${secret}"]`, value: `{"after": {"card": "${secret}"}}` }],
    ["wrapped", { table: null, key: null, value: `{"resolved":"${secret}"}` }],
    ["wrapped", { table: null, key: null, value: `{"resolved":"${T}"} ` }],
  ];
  for (const [shape, row] of rows) {
    const error = refused(row, { shape });
    assert.equal(`${error.message} ${error.hint}`.includes(secret), false, error.message);
    if (row.table !== null && row.key !== null) {
      assert.ok(error.message.includes(`"t" (${row.value?.length ?? 0} characters)`), error.message);
    }
  }
});

Deno.test("any row at all gives an event or EnvelopeMalformed, never anything else", () => {
  const anyCell = fc.oneof(
    fc.constant(null),
    anyText,
    anyColumn,
    anyRow,
    fc.tuple(anyText, anyHlc).map(([text, t]) => `${text}, "updated": "${t}"}`),
    anyHlc.map((t) => `{"__crdb__": {"updated": "${t}"`),
  );
  const options = fc.record({
    shape: fc.constantFrom(...SHAPES),
    keepUpdated: fc.boolean(),
    diff: fc.boolean(),
    scanTimestamp: fc.option(anyHlc, { nil: undefined }),
  });
  fc.assert(
    fc.property(anyCell, anyCell, anyCell, options, (table, key, value, options) => {
      try {
        const event = read({ table, key, value }, options);
        assert.ok(event.kind === "resolved" ? event.timestamp !== undefined : event.table === table);
      } catch (error) {
        assert.ok(error instanceof AgentError, String(error));
        assert.equal(error.kind, "EnvelopeMalformed");
      }
    }),
    { numRuns: 500 },
  );
});
