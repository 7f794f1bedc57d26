import assert from "node:assert/strict";
import fc from "fast-check";
import { changeOf } from "../../../src/change.ts";
import type { Change } from "../../../src/change.ts";
import { readEnriched } from "../../../src/cockroach/enriched.ts";
import { AgentError } from "../../../src/errors.ts";
import { anyHlc, anyRow, hlc, printObject } from "../../support/arbitrary.ts";

const T = hlc("1746045115619002000.0000000000");
const AFTER = '{"id": 1, "op": "d", "source": {"ts_hlc": "1.0000000000"}}';

/** `source` as v25.2's page changefeed-message-envelopes shows it, shortened. */
function source(updated: string): string {
  return `{"changefeed_sink": "sinkless buffer", "primary_keys": ["id", "}"], "table_name": "a \\" b", ` +
    `"ts_hlc": "${updated}", "ts_ns": 1746045115619002000}`;
}

function enriched(op: string, updated: string = T, after = AFTER): string {
  return `{"after": ${after}, "op": "${op}", "source": ${source(updated)}, "ts_ns": 1746045115679811000}`;
}

function read(value: string, options: { keepUpdated?: boolean; scanTimestamp?: typeof T } = {}): Change {
  return readEnriched("foo", '{"id": 1}', value, {
    shape: "enriched",
    keepUpdated: false,
    diff: false,
    scanTimestamp: undefined,
    ...options,
  });
}

Deno.test("readEnriched() takes the commit timestamp out of the source, and cuts the source out", () => {
  assert.deepEqual(
    read(enriched("u")),
    changeOf({
      table: "foo",
      key: '{"id": 1}',
      value: `{"after": ${AFTER}, "op": "u", "ts_ns": 1746045115679811000}`,
      updated: T,
      operation: "update",
    }),
  );
});

Deno.test("readEnriched() leaves the source where the operator asked for it", () => {
  assert.equal(read(enriched("c"), { keepUpdated: true }).value, enriched("c"));
});

Deno.test("readEnriched() knows every operation, and the rows of a scan by their timestamp", () => {
  const operations = ["c", "u", "d", "r"].map((op) => read(enriched(op)).operation);
  assert.deepEqual(operations, ["insert", "update", "delete", "read"]);
  assert.equal(read(enriched("c"), { scanTimestamp: T }).operation, "read");
  assert.equal(
    read(enriched("c", "1746045115619002000.0000000001"), { scanTimestamp: T }).operation,
    "insert",
  );
});

Deno.test("readEnriched() finds the payload beside its schema", () => {
  const schema = '{"fields": [{"field": "source"}], "name": "cockroachdb.envelope"}';
  const { value, updated, operation } = read(`{"payload": ${enriched("d")}, "schema": ${schema}}`);
  assert.equal(
    value,
    `{"payload": {"after": ${AFTER}, "op": "d", "ts_ns": 1746045115679811000}, "schema": ${schema}}`,
  );
  assert.deepEqual([updated, operation], [T, "delete"]);
});

Deno.test("readEnriched() agrees with JSON.parse for rows of anything, and keeps every byte of the rest (G5)", () => {
  fc.assert(
    fc.property(anyRow, fc.option(anyRow), anyHlc, fc.boolean(), (after, before, updated, withKey) => {
      const members = (more: [string, string][]) =>
        printObject([
          ["after", after],
          ["before", before ?? "null"],
          ...(withKey ? [["key", '{"id": 1}'] as [string, string]] : []),
          ["op", '"u"'],
          ...more,
          ["ts_ns", "1"],
        ]);
      const change = read(members([["source", source(updated)]]));
      assert.equal(change.value, members([]));
      assert.equal(change.updated, updated);
    }),
    { numRuns: 200 },
  );
});

Deno.test("readEnriched() refuses what is cut short or lacks its timestamp or operation", () => {
  const whole = enriched("c");
  const broken = [
    ...Array.from({ length: whole.length }, (_, length) => whole.slice(0, length)),
    enriched("x"),
    enriched("c", "soon"),
    '{"after": null, "op": "d", "ts_ns": 1}',
    `${whole} `,
  ];
  for (const value of broken) {
    assert.throws(
      () => read(value),
      (error) => error instanceof AgentError && error.kind === "EnvelopeMalformed",
      value,
    );
  }
});
