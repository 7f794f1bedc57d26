import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { compareInstants, type Instant, instantOf } from "../../src/hlc.ts";
import { type RowHash, rowHash, wholeText } from "../../src/row_hash.ts";
import { RowTimes } from "../../src/row_times.ts";
import { anyHlc, hlcOf } from "../support/arbitrary.ts";

function row(n: number | string): RowHash {
  return rowHash("t", `[${n}]`);
}

function at(wall: number): Instant {
  return instantOf(hlcOf(wall));
}

function sorted(entries: Iterable<[RowHash, Instant]>): [string, Instant][] {
  return [...entries].map(([row, time]): [string, Instant] => [wholeText(row), time])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("RowTimes tells rows apart by every bit of their hash", () => {
  const times = new RowTimes(), first = row(1);
  times.set(first, at(1));
  for (const word of ["a", "b", "c", "d"] as const) {
    for (let bit = 0; bit < 32; bit++) {
      assert.equal(times.get({ ...first, [word]: first[word] ^ 1 << bit }), undefined, `${word} ${bit}`);
    }
  }
  assert.deepEqual(times.get(first), at(1));
});

Deno.test("RowTimes keeps every digit of every timestamp", () => {
  fc.assert(fc.property(anyHlc, (hlc) => {
    const times = new RowTimes();
    times.set(row(1), instantOf(hlc));
    assert.deepEqual(times.get(row(1)), instantOf(hlc));
  }));
});

Deno.test("RowTimes holds four hundred thousand rows in 16 MB, and some 430,000 before one is refused", () => {
  const times = new RowTimes();
  let rows = 0;
  while (times.set(row(rows), at(rows + 1))) rows++;
  assert.ok(rows > 400_000, `${rows} rows`);
  assert.ok(times.bytes <= 16 * 1024 * 1024, `${times.bytes} bytes`);
  for (let n = 0; n < rows; n += 97) assert.deepEqual(times.get(row(n)), at(n + 1));
  times.forget(at(rows - 10));
  assert.equal([...times].length, 10);
  assert.equal(times.set(row(rows), at(rows + 1)), true, "there is room again");
});

Deno.test("RowTimes gives memory back after a burst, some of it each time that it forgets", () => {
  const times = new RowTimes();
  for (let n = 0; n < 200_000; n++) times.set(row(n), at(n + 1));
  const full = times.bytes;
  for (let n = 0; n < 100; n++) times.forget(at(200_000 + n));
  assert.ok(times.bytes < full / 8, `${times.bytes} of ${full} bytes`);
});

/** The same every time, so that the least time of several runs is what the work takes on a machine that does other things too. */
function* work(rows: readonly RowHash[]): Generator<[what: string, run: () => unknown]> {
  const times = new RowTimes(), { length } = rows;
  for (const [n, row] of rows.entries()) yield ["set", () => times.set(row, at(n + 1))];
  for (const part of [0, 0.01, 0.3, 0.5]) yield ["forget a part", () => times.forget(at(part * length))];
  for (const [n, row] of rows.entries()) yield ["set again", () => times.set(row, at(length + n))];
  yield ["forget all", () => times.forget(at(2 * length))];
  yield ["is empty", () => times.isEmpty];
}

Deno.test("RowTimes never blocks for more than 5 ms, whatever it holds and forgets", () => {
  const rows = Array.from({ length: 400_000 }, (_, n) => row(n));
  const least: number[] = [], names: string[] = [];
  for (let runs = 0; runs < 3; runs++) {
    let step = 0;
    for (const [name, run] of work(rows)) {
      const started = performance.now();
      run();
      least[step] = Math.min(performance.now() - started, least[step] ?? Infinity);
      names[step++] = name;
    }
  }
  const longest = least.reduce((longest, took) => Math.max(longest, took), 0);
  const what = names[least.indexOf(longest)];
  assert.ok(longest <= 5, `"${what}" took ${longest.toFixed(1)} ms`);
});

const anyRow = fc.nat(40);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ set: anyRow, wall: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ delete: anyRow }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.nat(50) }) },
);

Deno.test("RowTimes is a Map with a bound, whatever is done with it", () => {
  const anyBounds = fc.constantFrom(
    { capacity: 1000, shardBits: 0 },
    { capacity: 30, shardBits: 0 },
    { capacity: 5, shardBits: 0 },
    { capacity: 1 << 12, shardBits: 5 },
  );
  fc.assert(fc.property(anyBounds, fc.array(anyStep, { maxLength: 300, size: "max" }), (bounds, steps) => {
    const times = new RowTimes(bounds), map = new Map<string, Instant>();
    for (const step of steps) {
      if ("set" in step) {
        const text = wholeText(row(step.set)), time = at(step.wall);
        if (times.set(row(step.set), time)) map.set(text, time);
        else {assert.ok(
            !map.has(text) && map.size <= bounds.capacity,
            "is refused only where there is no room",
          );}
        // What is at or below what was forgotten is not there, also when it comes later.
        if (times.get(row(step.set)) === undefined) map.delete(text);
      } else if ("delete" in step) {
        times.delete(row(step.delete));
        map.delete(wholeText(row(step.delete)));
      } else {
        times.forget(at(step.forget));
        for (const [text, time] of map) if (compareInstants(time, at(step.forget)) <= 0) map.delete(text);
      }
    }
    assert.deepEqual(sorted(times), [...map].sort(([a], [b]) => a < b ? -1 : 1));
    assert.equal(times.isEmpty, map.size === 0);
  }));
});
