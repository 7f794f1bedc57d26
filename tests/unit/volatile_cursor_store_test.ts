import assert from "node:assert/strict";
import { VolatileCursorStore } from "../../src/volatile_cursor_store.ts";
import { hlcOf } from "../support/arbitrary.ts";

const scan = { cursor: hlcOf(1), scanning: true };

Deno.test("VolatileCursorStore holds nothing at first, so every start begins anew", async () => {
  assert.deepEqual(await new VolatileCursorStore().read(), {
    position: undefined,
    owner: "",
    tables: undefined,
  });
});

Deno.test("VolatileCursorStore keeps what was stored last; a cursor ends the scan", async () => {
  const store = new VolatileCursorStore();
  await store.create(scan);
  assert.deepEqual((await store.read()).position, scan);
  assert.equal(await store.replace(scan, { cursor: hlcOf(1), scanning: false }), true);
  assert.deepEqual((await store.read()).position, { cursor: hlcOf(1), scanning: false });
});

Deno.test("VolatileCursorStore begins anew after remove()", async () => {
  const store = new VolatileCursorStore();
  await store.create(scan);
  await store.remove();
  assert.equal((await store.read()).position, undefined);
});

Deno.test("VolatileCursorStore is always this process's", async () => {
  const store = new VolatileCursorStore();
  await store.claim();
  assert.equal((await store.read()).owner, store.token);
});

Deno.test("VolatileCursorStore keeps the ids of the tables as long as the process lives", async () => {
  const store = new VolatileCursorStore(), tables = new Map([["shop.public.orders", "104"]]);
  await store.keep(tables);
  assert.deepEqual((await store.read()).tables, tables);
});
