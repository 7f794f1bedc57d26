import assert from "node:assert/strict";
import fc from "fast-check";
import { Backoff } from "../../src/backoff.ts";

Deno.test("next() doubles up to the cap, without jitter at the top", () => {
  const backoff = new Backoff({ first: 100, cap: 1000, random: () => 1 });
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
});

Deno.test("next() is never shorter than half: not even with the lowest random number", () => {
  const backoff = new Backoff({ first: 100, cap: 1000, random: () => 0 });
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [50, 100, 200, 400, 500, 500]);
});

Deno.test("next() stays within its bounds with any randomness, however often it is called", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 600_000 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
        minLength: 1,
        maxLength: 100,
      }),
      (first, cap, numbers) => {
        let drawn = 0;
        const backoff = new Backoff({ first, cap, random: () => numbers[drawn++]! });
        for (let attempt = 0; attempt < numbers.length; attempt++) {
          const ceiling = Math.min(cap, first * 2 ** attempt);
          const delay = backoff.next();
          assert.ok(delay >= ceiling / 2 && delay <= ceiling, `${delay} of ${ceiling}`);
        }
      },
    ),
  );
});

Deno.test("next() stays at the cap after ten thousand attempts", () => {
  const backoff = new Backoff({ first: 1, cap: 30_000, random: () => 1 });
  for (let i = 0; i < 10_000; i++) backoff.next();
  assert.equal(backoff.next(), 30_000);
});

Deno.test("reset() makes the next delay the first one again, and attempts counts since then", () => {
  const backoff = new Backoff({ first: 100, cap: 1000, random: () => 1 });
  assert.equal(backoff.attempts, 0);
  backoff.next();
  backoff.next();
  assert.equal(backoff.attempts, 2);
  backoff.reset();
  assert.equal(backoff.attempts, 0);
  assert.equal(backoff.next(), 100);
});

Deno.test("next() spreads two publishers that failed at the same moment", () => {
  const delays = new Set(Array.from({ length: 100 }, () => new Backoff({ first: 1000, cap: 30_000 }).next()));
  assert.ok(delays.size > 90, `${delays.size} different delays of 100`);
});
