import assert from "node:assert/strict";
import { unlessAborted } from "../../src/abort.ts";

Deno.test("unlessAborted() gives the promise's value, and lets its failure through", async () => {
  const { signal } = new AbortController();
  assert.equal(await unlessAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(unlessAborted(Promise.reject(new Error("no")), signal), /no/);
});

Deno.test("unlessAborted() gives nothing as soon as the signal aborts", async () => {
  const stop = new AbortController();
  const waiting = unlessAborted(new Promise<number>(() => {}), stop.signal);
  stop.abort();
  assert.equal(await waiting, undefined);
  assert.equal(await unlessAborted(new Promise<number>(() => {}), stop.signal), undefined);
});
