import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareHlc,
  type Hlc,
  hlcSeconds,
  hlcTime,
  latestHlc,
  parseHlc,
  previousHlc,
  shortHlc,
} from "../../src/hlc.ts";
import { anyHlc, hlc, hlcOf } from "../support/arbitrary.ts";

function parts(text: Hlc): [bigint, bigint] {
  const [wall = "", logical = ""] = text.split(".");
  return [BigInt(wall), BigInt(logical)];
}

function order(a: Hlc, b: Hlc): number {
  const [wallA, logicalA] = parts(a);
  const [wallB, logicalB] = parts(b);
  if (wallA !== wallB) return wallA < wallB ? -1 : 1;
  return logicalA < logicalB ? -1 : logicalA > logicalB ? 1 : 0;
}

Deno.test("parseHlc() reads what CockroachDB prints and nothing else", () => {
  for (
    const text of ["0.0000000000", "1795327197232417335.2147483647", "1795327222747839112.0000000000"]
  ) assert.equal(parseHlc(text), text);
  for (
    const text of [
      "",
      "banana",
      "1",
      "1.0",
      "1.00000000000",
      "01.0000000000",
      ".0000000000",
      "-1.0000000000",
      " 1.0000000000",
      "1.0000000000\n",
      "1.0000000000??",
      "?",
      "1?.0000000000",
      "1,0000000000",
      "1e9.0000000000",
      "١.0000000000",
    ]
  ) assert.equal(parseHlc(text), undefined, JSON.stringify(text));
});

Deno.test("parseHlc() drops the mark of a synthetic timestamp, which means the same time", () => {
  assert.equal(parseHlc("1795919737001371848.0000000002?"), "1795919737001371848.0000000002");
});

Deno.test("compareHlc() orders as the two integers do", () => {
  fc.assert(fc.property(anyHlc, anyHlc, (a, b) => {
    assert.equal(Math.sign(compareHlc(a, b)), order(a, b));
    assert.equal(Math.sign(compareHlc(b, a)), order(b, a));
    assert.equal(compareHlc(a, a), 0);
  }));
});

Deno.test("compareHlc() orders neighbours: one logical tick, and one digit more of wall time", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 19n), fc.integer({ min: 0, max: 2 ** 31 - 2 }), (wall, logical) => {
      assert.ok(compareHlc(hlcOf(wall, logical), hlcOf(wall, logical + 1)) < 0);
      assert.ok(compareHlc(hlcOf(wall, 2 ** 31 - 1), hlcOf(wall + 1n)) < 0);
    }),
  );
  assert.ok(compareHlc(hlc("999.0000000000"), hlc("1000.0000000000")) < 0);
});

Deno.test("latestHlc() gives the later of the two, and anything is later than nothing", () => {
  const early = hlcOf(9), late = hlcOf(10);
  assert.equal(latestHlc(early, late), late);
  assert.equal(latestHlc(late, early), late);
  assert.equal(latestHlc(undefined, early), early);
  assert.equal(latestHlc(early, undefined), early);
  assert.equal(latestHlc(undefined, undefined), undefined);
});

Deno.test("shortHlc() leaves a zero logical part out and prints any other as an integer", () => {
  assert.equal(shortHlc(hlc("1795327222747839112.0000000000")), "1795327222747839112");
  assert.equal(shortHlc(hlc("1795327222747839112.0000000001")), "1795327222747839112.1");
  assert.equal(shortHlc(hlc("1795327222747839112.2147483647")), "1795327222747839112.2147483647");
  assert.equal(shortHlc(hlc("1795327222747839110.0000000010")), "1795327222747839110.10");
});

Deno.test("shortHlc() loses nothing", () => {
  fc.assert(fc.property(anyHlc, (timestamp) => {
    const [wall = "", logical = "0"] = shortHlc(timestamp).split(".");
    assert.equal(hlcOf(BigInt(wall), BigInt(logical)), timestamp);
    assert.equal(shortHlc(timestamp).endsWith(".0"), false);
  }));
});

Deno.test("hlcSeconds() is the wall clock in seconds", () => {
  assert.equal(hlcSeconds(hlc("0.0000000000")), 0);
  assert.equal(hlcSeconds(hlc("1.0000000000")), 1e-9);
  assert.equal(hlcSeconds(hlc("1500000000.0000000000")), 1.5);
  assert.equal(hlcSeconds(hlc("1795327222747839112.0000000007")), 1795327222.747839112);
});

Deno.test("hlcTime() prints every nanosecond", () => {
  assert.equal(hlcTime(hlc("1795327222747839112.0000000000")), "2026-11-22T06:00:22.747839112Z");
  assert.equal(hlcTime(hlc("1795327222000000001.2147483647")), "2026-11-22T06:00:22.000000001Z");
  assert.equal(hlcTime(hlc("0.0000000000")), "1970-01-01T00:00:00.000000000Z");
  assert.equal(hlcTime(hlc("7.0000000000")), "1970-01-01T00:00:00.000000007Z");
});

Deno.test("hlcTime() agrees with Date to the millisecond", () => {
  fc.assert(fc.property(fc.bigInt(0n, 253402300799n * 10n ** 9n), (wall) => {
    const time = hlcTime(hlcOf(wall));
    assert.equal(Date.parse(`${time.slice(0, 23)}Z`), Number(wall / 1_000_000n));
    assert.equal(time.slice(20, 29), String(wall % 10n ** 9n).padStart(9, "0"));
  }));
});

Deno.test("previousHlc() is the reading just before, as CockroachDB's Timestamp.Prev", () => {
  assert.equal(previousHlc(hlc("1795327222747839112.0000000003")), "1795327222747839112.0000000002");
  assert.equal(previousHlc(hlc("1795327222747839112.0000000000")), "1795327222747839111.2147483647");
  assert.equal(previousHlc(hlc("1000000000000000000.0000000000")), "999999999999999999.2147483647");
});
