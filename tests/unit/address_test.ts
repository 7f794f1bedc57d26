import assert from "node:assert/strict";
import { addresses, type AddressOptions } from "../../src/address.ts";
import { change, hlcOf } from "../support/arbitrary.ts";

function routes(options: Partial<AddressOptions> = {}) {
  return addresses({
    feed: "feed",
    routingKey: "queue",
    tables: new Map([["t", { schema: "public", database: "shop" }], ["u", { schema: "s", database: "d" }]]),
    standardHeaders: false,
    headers: {},
    ...options,
  });
}

Deno.test("addresses() is one and the same address where nothing depends on the change", () => {
  const { of, byTable } = routes({ routingKey: "{feed}", headers: { team: "billing {feed}", n: 1 } });
  assert.deepEqual(of(change()), { routingKey: "feed", headers: { team: "billing feed", n: 1 } });
  assert.equal(of(change()), of(change({ table: "u", key: "[2]", operation: "delete" })));
  assert.equal(byTable, false);
});

Deno.test("addresses() has no headers unless asked for: they cost the broker time", () => {
  assert.equal(routes().of(change()).headers, undefined);
});

Deno.test("addresses() fills in what depends on table and operation once for each", () => {
  const { of, byTable } = routes({
    routingKey: "{schema}.{table}",
    headers: { what: "{op}", at: new Date(0) },
  });
  const expected = [
    ["t", "upsert", { routingKey: "public.t", headers: { what: "upsert", at: new Date(0) } }],
    ["t", "delete", { routingKey: "public.t", headers: { what: "delete", at: new Date(0) } }],
    ["u", "upsert", { routingKey: "s.u", headers: { what: "upsert", at: new Date(0) } }],
  ] as const;
  for (const [table, operation, address] of expected) {
    const found = of(change({ table, operation }));
    assert.deepEqual(found, address);
    assert.equal(found, of(change({ table, operation, key: "[2]" })));
  }
  assert.equal(byTable, true);
});

Deno.test("addresses() fills in the key of each change", () => {
  const { of, byTable } = routes({ routingKey: "{key}", headers: { row: "{table} {key}" } });
  for (const key of ["[1]", "[2]"]) {
    assert.deepEqual(of(change({ key })), { routingKey: key, headers: { row: `t ${key}` } });
  }
  assert.equal(byTable, true);
  assert.equal(routes({ routingKey: "{op}.{key}" }).byTable, false);
});

Deno.test("addresses() adds the standard headers to the operator's own", () => {
  const { of, byTable } = routes({ standardHeaders: true, headers: { team: "billing" } });
  const standard = { table: "t", key: "[1]", feed: "feed" };
  assert.deepEqual(of(change({ updated: hlcOf(7) })).headers, {
    team: "billing",
    ...standard,
    updated: "7.0000000000",
  });
  assert.deepEqual(of(change({ updated: undefined })).headers, { team: "billing", ...standard, updated: "" });
  assert.equal(byTable, true);
});

Deno.test("addresses() knows where a table is that is sent family by family", () => {
  assert.equal(
    routes({ routingKey: "{schema}.{table}" }).of(change({ table: "t.meta" })).routingKey,
    "public.t.meta",
  );
  assert.equal(routes({ routingKey: "{schema}.{table}" }).of(change({ table: "new" })).routingKey, ".new");
});

Deno.test("addresses() asks for the trace of each message: another changefeed has another", () => {
  let traceparent = "00-1-1-01";
  const { of } = addresses({
    feed: "f",
    routingKey: "q",
    tables: new Map(),
    standardHeaders: false,
    headers: { traceparent: "{traceparent}" },
    traceparent: () => traceparent,
  });
  assert.deepEqual(of(change()).headers, { traceparent });
  traceparent = "00-2-2-01";
  assert.deepEqual(of(change()).headers, { traceparent });
});
