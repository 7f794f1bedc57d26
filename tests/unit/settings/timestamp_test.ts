import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTimestamp } from "../../../src/settings/timestamp.ts";
import { anyText } from "../../support/arbitrary.ts";

Deno.test("parseTimestamp() reads nanoseconds since 1970, with and without a logical part", () => {
  assert.equal(parseTimestamp("1655402400000000000"), "1655402400000000000.0000000000");
  assert.equal(parseTimestamp("1655402400000000000.0000000003"), "1655402400000000000.0000000003");
  assert.equal(parseTimestamp("1655402400000000000.0000000003?"), "1655402400000000000.0000000003");
});

Deno.test("parseTimestamp() reads dates and times, UTC unless they say otherwise, to the nanosecond", () => {
  const noon = "1769860800000000000.0000000000";
  for (
    const text of [
      "2026-01-31T12:00:00Z",
      "2026-01-31 12:00",
      "2026-01-31T13:30:00+01:30",
      "2026-01-31 07:00-05",
      "2026-01-31t12:00:00+0000",
    ]
  ) {
    assert.equal(parseTimestamp(text), noon, text);
  }
  assert.equal(parseTimestamp("2026-01-31"), "1769817600000000000.0000000000");
  assert.equal(parseTimestamp("2026-01-31 12:00:00.123456789"), "1769860800123456789.0000000000");
});

Deno.test("parseTimestamp() refuses seconds and milliseconds, intervals, and what is no time", () => {
  for (
    const text of [
      "",
      "1655402400",
      "1655402400000",
      "-10m",
      "+1h",
      "now()",
      "2026-13-01",
      "2026-02-30",
      "2026-01-31T25:00",
      "1970-01-01",
      "1655402400000000000.3",
      "tomorrow",
    ]
  ) {
    assert.equal(parseTimestamp(text), undefined, text);
  }
  fc.assert(fc.property(anyText, (text) => {
    const time = parseTimestamp(text);
    assert.ok(time === undefined || /^\d+\.\d{10}$/.test(time));
  }));
});
