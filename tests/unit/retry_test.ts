import assert from "node:assert/strict";
import { AgentError } from "../../src/errors.ts";
import { Retry } from "../../src/retry.ts";
import { settled, VirtualClock } from "../support/virtual_clock.ts";

const unreachable = new AgentError("SourceUnreachable", "Cannot connect");

/** A retry whose jitter is the longest. */
function opened() {
  const clock = new VirtualClock(), delays: number[] = [];
  const retry = new Retry({
    clock,
    observe: { failed: (_error, retryIn) => delays.push(Math.round(retryIn)) },
    random: () => 1,
  });
  const fail = async (failure: unknown = unreachable) => {
    await Promise.all([retry.after(failure, new AbortController().signal), clock.pass(10_000)]);
  };
  return { clock, retry, delays, fail };
}

Deno.test("after() doubles its delay with every failure, from 100 ms up to 10 s", async () => {
  const { fail, delays } = opened();
  for (let i = 0; i < 9; i++) await fail();
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

Deno.test("only progress makes delays short again (G8)", async () => {
  const { fail, retry, delays } = opened();
  await fail();
  await fail();
  assert.equal(retry.attempts, 2);
  retry.progress();
  assert.equal(retry.attempts, 0);
  await fail();
  assert.deepEqual(delays, [100, 200, 100]);
});

Deno.test("after() waits as long as it says", async () => {
  const { clock, retry } = opened();
  let over = false;
  const after = retry.after(unreachable, new AbortController().signal).then(() => over = true);
  await clock.pass(99);
  assert.equal(over, false);
  await clock.pass(1);
  await after;
});

Deno.test("after() throws the failure that no other try heals, and counts it not", async () => {
  const { retry, delays } = opened();
  for (const kind of ["TableDropped", "ReaderGone"] as const) {
    const failure = new AgentError(kind, "It is gone");
    await assert.rejects(retry.after(failure, new AbortController().signal), failure);
  }
  assert.deepEqual([retry.attempts, delays], [0, []]);
});

Deno.test("after() tries an unknown failure five times without progress, then throws it", async () => {
  const { fail, delays } = opened();
  const cause = new TypeError("x is not a function");
  for (let i = 0; i < 5; i++) await fail(cause);
  await assert.rejects(fail(cause), { name: "AgentError", kind: "Unknown", cause });
  assert.equal(delays.length, 5);
});

Deno.test("after() does not count an outage against an unknown failure that follows it", async () => {
  const { fail, delays, retry } = opened();
  for (let i = 0; i < 7; i++) await fail();
  const cause = new TypeError("x is not a function");
  for (let i = 0; i < 5; i++) await fail(cause);
  assert.equal(delays.length, 12);
  retry.progress();
  for (let i = 0; i < 5; i++) await fail(cause);
  await assert.rejects(fail(cause), { kind: "Unknown" });
});

Deno.test("after() tells nobody and waits for nothing when a stop was asked for", async () => {
  const { retry, delays } = opened();
  await retry.after(unreachable, AbortSignal.abort());
  assert.deepEqual(delays, []);
});

Deno.test("after() waits no longer than until a stop is asked for", async () => {
  const { clock, retry } = opened();
  const stop = new AbortController();
  const after = retry.after(unreachable, stop.signal);
  await settled();
  stop.abort();
  await after;
  assert.equal(clock.sleepers, 0);
});
