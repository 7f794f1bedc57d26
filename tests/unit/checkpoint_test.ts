import assert from "node:assert/strict";
import fc from "fast-check";
import { Checkpoints } from "../../src/checkpoint.ts";
import { ConfirmWindow } from "../../src/confirm_window.ts";
import { compareHlc, type Hlc } from "../../src/hlc.ts";
import { hlcOf } from "../support/arbitrary.ts";

/** Checkpoints over a window whose progress the test sets. */
function opened() {
  const progress = { published: 0, settled: 0 };
  const confirmed: Hlc[] = [];
  const checkpoints = new Checkpoints(progress, (resolved) => confirmed.push(resolved));
  const settle = (number: number) => {
    progress.settled = number;
    checkpoints.advance(number);
  };
  return { progress, confirmed, checkpoints, settle };
}

Deno.test("a timestamp counts at once when nothing is in flight", () => {
  const { confirmed, checkpoints } = opened();
  checkpoints.mark(hlcOf(1));
  assert.deepEqual(confirmed, [hlcOf(1)]);
});

Deno.test("a timestamp waits for every message published before it, and for none after (G2)", () => {
  const { progress, confirmed, checkpoints, settle } = opened();
  progress.published = 3;
  checkpoints.mark(hlcOf(10));
  progress.published = 5;
  settle(2);
  assert.deepEqual(confirmed, []);
  settle(3);
  assert.deepEqual(confirmed, [hlcOf(10)]);
});

Deno.test("the newest of several confirmed timestamps is reported, once", () => {
  const { progress, confirmed, checkpoints, settle } = opened();
  for (const number of [1, 2, 3]) {
    progress.published = number;
    checkpoints.mark(hlcOf(10 * number));
  }
  settle(2);
  assert.deepEqual(confirmed, [hlcOf(20)]);
  settle(2);
  settle(3);
  assert.deepEqual(confirmed, [hlcOf(20), hlcOf(30)]);
});

Deno.test("timestamps without a message between them wait as one", () => {
  const { progress, confirmed, checkpoints, settle } = opened();
  progress.published = 1;
  for (const wall of [10, 20, 30]) checkpoints.mark(hlcOf(wall));
  settle(1);
  assert.deepEqual(confirmed, [hlcOf(30)]);
});

Deno.test("a timestamp not above the newest one is ignored: the cursor never moves back (G2)", () => {
  const { progress, confirmed, checkpoints, settle } = opened();
  progress.published = 1;
  checkpoints.mark(hlcOf(20));
  progress.published = 2;
  checkpoints.mark(hlcOf(10));
  checkpoints.mark(hlcOf(20));
  settle(2);
  checkpoints.mark(hlcOf(15));
  assert.deepEqual(confirmed, [hlcOf(20)]);
});

Deno.test("clear() drops what is on its way, and lets an older timestamp in again", () => {
  const { progress, confirmed, checkpoints, settle } = opened();
  progress.published = 1;
  checkpoints.mark(hlcOf(20));
  checkpoints.clear();
  settle(1);
  assert.deepEqual(confirmed, []);
  checkpoints.mark(hlcOf(10));
  assert.deepEqual(confirmed, [hlcOf(10)]);
});

Deno.test("over a real window, no timestamp is reported before everything published before it is confirmed (G2)", () => {
  const anyStep = fc.oneof(
    { weight: 4, arbitrary: fc.constant("publish" as const) },
    { weight: 2, arbitrary: fc.record({ resolved: fc.integer({ min: 1, max: 100 }) }) },
    { weight: 4, arbitrary: fc.record({ confirm: fc.integer({ min: 1, max: 6 }), multiple: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant("fail" as const) },
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 100, size: "max" }), (steps) => {
      const publishedBefore = new Map<Hlc, number>();
      const confirmed = new Set<number>();
      const reported: Hlc[] = [];
      let newest: Hlc | undefined, failed = false;
      const window = new ConfirmWindow<number>({
        maxMessages: 1000,
        now: () => 0,
        maxBytes: 1e6,
        onSettled: (settled) => checkpoints.advance(settled),
      });
      const checkpoints = new Checkpoints(window, (resolved) => {
        assert.equal(failed, false, "reported after a failure");
        for (let n = 1; n <= (publishedBefore.get(resolved) ?? Infinity); n++) {
          assert.ok(confirmed.has(n), `${resolved} was reported before message ${n} was confirmed`);
        }
        const before = reported.at(-1);
        assert.ok(before === undefined || compareHlc(resolved, before) > 0, "the cursor moved back");
        reported.push(resolved);
      });
      for (const step of steps) {
        if (step === "publish") window.add(window.published + 1, 1);
        else if (step === "fail") {
          window.fail("nacked");
          failed = true;
        } else if ("resolved" in step) {
          const resolved = hlcOf(step.resolved);
          if (newest === undefined || compareHlc(resolved, newest) > 0) {
            newest = resolved;
            publishedBefore.set(resolved, window.published);
          }
          if (!failed) checkpoints.mark(resolved);
        } else {
          const number = Math.min(window.settled + step.confirm, window.published);
          for (let n = step.multiple ? 1 : number; n <= number; n++) confirmed.add(n);
          window.confirm(number, step.multiple);
        }
      }
      if (failed) return;
      for (let n = 1; n <= window.published; n++) confirmed.add(n);
      window.confirm(window.published, true);
      assert.equal(reported.at(-1), newest, "the newest timestamp was never reported");
    }),
    { numRuns: 300 },
  );
});
