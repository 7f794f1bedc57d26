import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfirmWindow, type WindowOptions } from "../../src/confirm_window.ts";

/** A window of numbered entries that writes down what it reports. */
function opened(options: Partial<WindowOptions<number>> = {}) {
  const reports = { confirmed: [] as number[], settled: [] as number[], failures: [] as unknown[] };
  const window = new ConfirmWindow<number>({
    maxMessages: 10,
    maxBytes: 1000,
    now: () => 0,
    onConfirmed: (entry) => reports.confirmed.push(entry),
    onSettled: (settled) => reports.settled.push(settled),
    onFailure: (cause) => reports.failures.push(cause),
    ...options,
  });
  return { window, reports };
}

/** Adds entries `published + 1` and so on, while there is room. */
function add(window: ConfirmWindow<number>, count: number, bytes = 1): void {
  for (let i = 0; i < count; i++) {
    assert.equal(window.hasRoom, true);
    window.add(window.published + 1, bytes);
  }
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const { promise: later, resolve } = Promise.withResolvers<"pending">();
  setTimeout(resolve, 0, "pending");
  return await Promise.race([promise.catch(() => {}), later]) === "pending";
}

Deno.test("messages are counted from 1, as the broker's delivery tags are", () => {
  const { window, reports } = opened();
  assert.deepEqual([window.published, window.settled, window.size, window.oldest], [0, 0, 0, undefined]);
  add(window, 2);
  assert.deepEqual([window.published, window.settled, window.size, window.oldest], [2, 0, 2, 1]);
  window.confirm(1, false);
  assert.deepEqual([window.published, window.settled, window.size, window.oldest], [2, 1, 1, 2]);
  assert.deepEqual(reports, { confirmed: [1], settled: [1], failures: [] });
});

Deno.test("confirm() with multiple confirms everything up to its number, and reports once how far", () => {
  const { window, reports } = opened();
  add(window, 5);
  window.confirm(3, true);
  assert.deepEqual(reports, { confirmed: [1, 2, 3], settled: [3], failures: [] });
  assert.deepEqual([window.settled, window.size, window.bytes], [3, 2, 2]);
});

Deno.test("confirm() out of order settles nothing until the first unconfirmed one is confirmed (G2)", () => {
  const { window, reports } = opened();
  add(window, 4);
  window.confirm(3, false);
  window.confirm(2, false);
  assert.deepEqual([window.settled, window.size, window.bytes, window.oldest], [0, 4, 4, 1]);
  assert.deepEqual(reports, { confirmed: [3, 2], settled: [], failures: [] });
  window.confirm(1, false);
  assert.deepEqual([window.settled, window.size, window.bytes, window.oldest], [3, 1, 1, 4]);
  assert.deepEqual(reports, { confirmed: [3, 2, 1], settled: [3], failures: [] });
});

Deno.test("confirm() counts a message once, and nothing that was never published", () => {
  const { window, reports } = opened();
  add(window, 3);
  window.confirm(2, false);
  window.confirm(2, false);
  window.confirm(3, true);
  window.confirm(1, false);
  window.confirm(4, false);
  window.confirm(99, true);
  assert.deepEqual(reports, { confirmed: [2, 1, 3], settled: [3], failures: [] });
  assert.deepEqual([window.published, window.settled, window.bytes], [3, 3, 0]);
});

Deno.test("room() waits for a confirm when as many messages as may be are in flight (G7)", async () => {
  const { window } = opened({ maxMessages: 3 });
  await window.room();
  add(window, 3);
  assert.equal(window.hasRoom, false);
  const room = window.room();
  window.confirm(2, false);
  assert.equal(await isPending(room), true);
  window.confirm(1, false);
  await room;
  assert.deepEqual([window.hasRoom, window.size], [true, 1]);
});

Deno.test("add() to a full window throws: it would overwrite what is not confirmed (G1)", () => {
  const { window } = opened({ maxMessages: 2 });
  add(window, 2);
  assert.throws(() => window.add(3, 1), RangeError);
  assert.deepEqual(window.unsettled(), [2, 1]);
});

Deno.test("room() is bounded in bytes too, and a single larger message passes alone (G7)", async () => {
  const { window } = opened({ maxBytes: 100 });
  add(window, 2, 60);
  assert.deepEqual([window.hasRoom, window.bytes], [false, 120]);
  window.confirm(1, false);
  await window.room();
  window.confirm(2, false);
  add(window, 1, 5000);
  assert.equal(window.bytes, 5000);
  const room = window.room();
  assert.equal(await isPending(room), true);
  window.confirm(3, false);
  await room;
});

Deno.test("a message larger than maxBytes has room only alone, and no other beside it (G7)", async () => {
  const { window } = opened({ maxBytes: 100 });
  const large = "ä".repeat(80);
  add(window, 1, 1);
  assert.equal(window.hasRoomFor("a".repeat(99)), true);
  assert.equal(window.hasRoomFor("a".repeat(100)), false);
  assert.equal(window.hasRoomFor("ä".repeat(50)), false, "bytes count, not characters");
  const room = window.room(large);
  assert.equal(await isPending(room), true);
  window.confirm(1, false);
  await room;
  assert.equal(window.hasRoomFor(large), true);
  add(window, 1, 160);
  assert.equal(window.hasRoomFor(""), false);
  window.confirm(2, false);
  assert.equal(window.hasRoomFor("a"), true);
});

Deno.test("a waiter is woken as soon as its own message fits, and not before", async () => {
  const { window } = opened({ maxBytes: 100 });
  add(window, 3, 30);
  const room = window.room("a".repeat(40));
  window.confirm(1, false);
  assert.equal(await isPending(room), false);
  add(window, 1, 40);
  const full = window.room("a".repeat(80));
  window.confirm(2, false);
  window.confirm(3, false);
  assert.equal(await isPending(full), true);
  window.confirm(4, false);
  await full;
});

Deno.test("a window of one message takes one at a time", async () => {
  const { window } = opened({ maxMessages: 1 });
  for (let number = 1; number <= 3; number++) {
    add(window, 1);
    const room = window.room();
    assert.equal(await isPending(room), true);
    window.confirm(number, false);
    await room;
  }
  assert.equal(window.settled, 3);
});

Deno.test("drained() resolves when everything is confirmed, and at once when nothing is in flight", async () => {
  const { window } = opened();
  await window.drained();
  add(window, 3);
  const drained = window.drained();
  window.confirm(2, true);
  assert.equal(await isPending(drained), true);
  window.confirm(3, false);
  await drained;
});

Deno.test("release() lets a relay go on that waits for room, but does not call the window drained", async () => {
  const { window } = opened({ maxMessages: 1 });
  add(window, 1);
  const room = window.room();
  window.release();
  await room;
  const drained = window.drained();
  window.release();
  assert.equal(await isPending(drained), true);
  window.confirm(1, false);
  await drained;
});

Deno.test("fail() rejects whoever waits, and everybody after, with the first cause", async () => {
  const { window, reports } = opened({ maxMessages: 1 });
  add(window, 1);
  const room = window.room();
  const nacked = new Error("nacked"), gone = new Error("socket closed");
  window.fail(nacked);
  window.fail(gone);
  await assert.rejects(room, nacked);
  await assert.rejects(window.drained(), nacked);
  await assert.rejects(window.room(), nacked);
  assert.deepEqual(reports.failures, [nacked]);
});

Deno.test("fail() ends the counting: a confirm after it settles nothing (G1)", () => {
  const { window, reports } = opened();
  add(window, 3);
  window.confirm(1, false);
  window.fail(new Error("returned: unroutable"));
  window.confirm(3, true);
  assert.equal(window.settled, 1);
  assert.deepEqual(reports.confirmed, [1]);
  assert.deepEqual(window.unsettled(), [3, 2]);
});

Deno.test("fail() with a promise stops counting at once, and reports the cause when it is found", async () => {
  const { window, reports } = opened({ maxMessages: 2 });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  add(window, 2);
  const room = window.room();
  window.fail(promise);
  window.confirm(2, true);
  assert.equal(window.settled, 0);
  assert.equal(await isPending(room), true);
  assert.deepEqual(reports.failures, []);
  const cause = new Error("no queue is bound");
  resolve(cause);
  await assert.rejects(room, cause);
  await assert.rejects(window.drained(), cause);
  assert.deepEqual(reports.failures, [cause]);
});

Deno.test("fail() with a promise that rejects takes the rejection for the cause", async () => {
  const { window, reports } = opened();
  const cause = new Error("the check failed too");
  add(window, 1);
  const drained = window.drained();
  window.fail(Promise.reject(cause));
  await assert.rejects(drained, cause);
  assert.deepEqual(reports.failures, [cause]);
});

Deno.test("unsettled() is everything from the first unconfirmed message on, newest first, confirmed or not (G3)", () => {
  const { window } = opened();
  add(window, 5);
  window.confirm(1, false);
  window.confirm(4, false);
  assert.deepEqual(window.unsettled(), [5, 4, 3, 2]);
});

Deno.test("the window starts small and doubles with every full window confirmed, up to its bound", () => {
  const { window } = opened({ maxMessages: 10, initialMessages: 2 });
  const limits = [window.limit];
  for (let round = 0; round < 4; round++) {
    const limit = window.limit;
    add(window, limit);
    window.confirm(window.published, true);
    limits.push(window.limit);
  }
  assert.deepEqual(limits, [2, 4, 8, 10, 10]);
});

Deno.test("the window does not grow while nothing is confirmed", async () => {
  const { window } = opened({ maxMessages: 10, initialMessages: 2 });
  add(window, 2);
  assert.equal(await isPending(window.room()), true);
  assert.equal(window.limit, 2);
});

Deno.test("a window larger than its bound is its bound", () => {
  assert.equal(opened({ maxMessages: 3, initialMessages: 9 }).window.limit, 3);
  assert.equal(opened({ maxMessages: 3 }).window.limit, 3);
});

/** The window in its plainest form: a list of every message ever. */
class NaiveWindow {
  readonly sizes: number[] = [];
  readonly confirmed = new Set<number>();
  failed = false;

  get settled(): number {
    let settled = 0;
    while (this.confirmed.has(settled + 1)) settled++;
    return settled;
  }

  get bytes(): number {
    return this.sizes.slice(this.settled).reduce((sum, size) => sum + size, 0);
  }
}

Deno.test("the window is the plain list of messages, for any order of publishes and confirms", async () => {
  const anyStep = fc.oneof(
    { weight: 6, arbitrary: fc.record({ bytes: fc.integer({ min: 0, max: 60 }) }) },
    {
      weight: 5,
      arbitrary: fc.record({ confirm: fc.integer({ min: -3, max: 12 }), multiple: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.constant("fail" as const) },
  );
  const anyOptions = fc.record({
    maxMessages: fc.integer({ min: 1, max: 8 }),
    maxBytes: fc.integer({ min: 1, max: 200 }),
    initialMessages: fc.integer({ min: 1, max: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(
      anyOptions,
      fc.array(anyStep, { maxLength: 80, size: "max" }),
      async (options, steps) => {
        const { window, reports } = opened(options);
        const naive = new NaiveWindow();
        let full: Promise<void> | undefined, woken = false, rejected = false;
        const hasRoom = () => window.size < window.limit && naive.bytes < options.maxBytes;
        for (const step of steps) {
          const settledBefore = window.settled;
          if (step === "fail") {
            window.fail("failure");
            naive.failed = true;
          } else if ("bytes" in step) {
            if (rejected || (full !== undefined && !woken)) continue;
            assert.equal(window.hasRoom, hasRoom() && !naive.failed);
            full = undefined;
            if (window.hasRoom) window.add(naive.sizes.push(step.bytes), step.bytes);
            if (!window.hasRoom) {
              full = window.room();
              woken = false;
              full.then(() => woken = true, () => woken = rejected = true);
            }
          } else {
            const before = naive.settled;
            const number = before + step.confirm;
            window.confirm(number, step.multiple);
            if (!naive.failed && number <= naive.sizes.length) {
              for (let n = step.multiple ? 1 : number; n <= number; n++) if (n > 0) naive.confirmed.add(n);
            }
          }
          await Promise.resolve();
          assert.equal(window.published, naive.sizes.length);
          assert.equal(window.settled, naive.settled);
          assert.equal(window.bytes, naive.bytes);
          assert.deepEqual(new Set(reports.confirmed), naive.confirmed);
          assert.equal(reports.confirmed.length, naive.confirmed.size);
          assert.equal(reports.settled.at(-1) ?? 0, naive.settled);
          assert.deepEqual(reports.settled, [...new Set(reports.settled)].sort((a, b) => a - b));
          assert.ok(window.size <= options.maxMessages && window.limit <= options.maxMessages);
          const unsettled = Array.from({ length: window.size }, (_, i) => window.published - i);
          assert.deepEqual(window.unsettled(), unsettled);
          assert.equal(window.oldest, unsettled.at(-1));
          if (full !== undefined && !woken) assert.equal(naive.failed, false, "a waiter was forgotten");
          // Whoever waits for room is told as soon as the first unconfirmed message is confirmed and there is some.
          if (full !== undefined && !naive.failed && window.settled > settledBefore) {
            assert.equal(woken, hasRoom());
          }
        }
        if (naive.failed) return;
        window.confirm(window.published, true);
        await window.drained();
        if (full !== undefined) await full;
      },
    ),
    { numRuns: 200 },
  );
});
