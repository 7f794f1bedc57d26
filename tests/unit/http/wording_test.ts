import assert from "node:assert/strict";
import { clock, count, counted, duration, elapsed, size } from "../../../src/http/wording.ts";
import { AT } from "./page_view.ts";

Deno.test("duration() has at most two units", () => {
  const texts: readonly [number, string][] = [
    [-1, "0.0 s"],
    [0.44, "0.4 s"],
    [9.94, "9.9 s"],
    [12.9, "12 s"],
    [60, "1 min"],
    [185, "3 min 5 s"],
    [90_000, "25 h"],
    [93_660, "26 h 1 min"],
    [172_800, "2 d"],
    [356_400, "4 d 3 h"],
  ];
  for (const [seconds, text] of texts) assert.equal(duration(seconds), text);
});

Deno.test("elapsed() counts whole seconds", () => {
  assert.equal(elapsed(AT, AT + 2999), "2 s");
  assert.equal(elapsed(AT, AT + 61_000), "1 min 1 s");
  assert.equal(elapsed(AT, AT - 1), "0 s");
});

Deno.test("clock() shows the date only when it is another day", () => {
  assert.equal(clock(AT, AT), "21:56:48 UTC");
  assert.equal(clock(AT - 86_400_000, AT), "2026-11-23 21:56:48 UTC");
});

Deno.test("count(), counted() and size() write numbers as people do", () => {
  assert.deepEqual([0, 1.26, 9, 12.6, 1_234_567].map(count), ["0", "1.3", "9", "13", "1,234,567"]);
  assert.deepEqual([0, 1, 2].map((value) => counted(value, "row")), ["0 rows", "1 row", "2 rows"]);
  assert.deepEqual([12, 3456, 5_000_000].map(size), ["12\u00a0B", "3.4\u00a0KiB", "4.8\u00a0MiB"]);
});
