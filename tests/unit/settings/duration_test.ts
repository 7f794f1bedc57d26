import assert from "node:assert/strict";
import fc from "fast-check";
import { durationText, elapsedText, parseDuration } from "../../../src/settings/duration.ts";
import { anyText } from "../../support/arbitrary.ts";

Deno.test("parseDuration() reads every unit, fractions and sums", () => {
  const expected: Record<string, number> = {
    "500ms": 500,
    "10s": 10_000,
    "5m": 300_000,
    "1h": 3_600_000,
    "1.5s": 1500,
    "1.1s": 1100,
    "1m30s": 90_000,
    "0s": 0,
  };
  for (const [text, milliseconds] of Object.entries(expected)) {
    assert.equal(parseDuration(text), milliseconds, text);
  }
});

Deno.test("parseDuration() refuses what is no duration in whole milliseconds", () => {
  for (
    const text of ["", "10", "5x", "s", "-1s", "1 s", "10S", "1.s", "0.5ms", "1e3s", "9".repeat(400) + "h"]
  ) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

Deno.test("durationText() takes the largest unit that shows it whole", () => {
  assert.deepEqual([0, 500, 1500, 10_000, 90_000, 300_000, 3_600_000].map(durationText), [
    "0ms",
    "500ms",
    "1500ms",
    "10s",
    "90s",
    "5m",
    "1h",
  ]);
});

Deno.test("parseDuration() reads what durationText() writes", () => {
  fc.assert(fc.property(fc.nat(2 ** 31), (milliseconds) => {
    assert.equal(parseDuration(durationText(milliseconds)), milliseconds);
  }));
});

Deno.test("parseDuration() never throws and never returns half a millisecond", () => {
  fc.assert(fc.property(fc.oneof(anyText, fc.stringMatching(/^[\d.]{0,9}(ms|s|m|h){0,2}$/)), (text) => {
    const duration = parseDuration(text);
    assert.ok(duration === undefined || Number.isSafeInteger(duration) && duration >= 0);
  }));
});

Deno.test("elapsedText() says a span in its two largest units", () => {
  const texts = [-1, 0.44, 12.9, 185, 7620, 356_400].map(elapsedText);
  assert.deepEqual(texts, ["0.0 s", "0.4 s", "12 s", "3 min 5 s", "2 h 7 min", "4 d 3 h"]);
});
