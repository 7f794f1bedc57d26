import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";

Deno.test("now() does not go back", () => {
  const first = systemClock.now();
  assert.ok(systemClock.now() >= first);
});

Deno.test("sleep() resolves after the time asked for", async () => {
  const before = systemClock.now();
  await systemClock.sleep(5);
  assert.ok(systemClock.now() - before >= 4);
});

Deno.test("sleep() resolves at once for a signal that is aborted already", async () => {
  await systemClock.sleep(1_000_000, AbortSignal.abort());
});

Deno.test("sleep() resolves as soon as its signal aborts, and leaves no timer behind", async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(1_000_000, stop.signal);
  stop.abort();
  await sleeping;
});
