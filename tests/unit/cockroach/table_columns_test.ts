import assert from "node:assert/strict";
import { TableColumns } from "../../../src/cockroach/table_columns.ts";
import { parseTableName, tableColumn } from "../../../src/table_name.ts";

/** Tables given so, with the names that messages have for them. */
function columns(
  given: readonly string[],
  options: { full?: boolean; shownFull?: boolean; families?: boolean } = {},
) {
  const { full = false, shownFull = full, families = false } = options;
  const watched = given.map((text) => {
    const { database = "shop", schema = "public", ...rest } = parseTableName(text)!;
    const target = { ...rest, database: database, schema: schema };
    return { target, shown: tableColumn(target, "shop", shownFull) };
  });
  return new TableColumns(watched, { full, families, version: "v21.2.0" });
}

Deno.test("TableColumns knows tables by their last names, or by all of them with full_table_name from v22.2 on", () => {
  const last = columns(["orders", 's."Weird"']);
  assert.deepEqual([last.shownFor("orders"), last.shownFor("Weird")], ["orders", "Weird"]);
  assert.deepEqual([last.has("orders"), last.has("weird"), last.has("shop.public.orders")], [
    true,
    false,
    false,
  ]);
  const full = columns(["orders", 's."Weird"'], { full: true });
  assert.deepEqual([full.has("shop.public.orders"), full.has('shop.s."Weird"'), full.has("orders")], [
    true,
    true,
    false,
  ]);
});

Deno.test("TableColumns gives the whole name where versions up to v22.1 leave it out", () => {
  const table = columns(["orders"], { shownFull: true });
  assert.equal(table.shownFor("orders"), "shop.public.orders");
});

Deno.test("TableColumns refuses two tables of one last name where the column has no more (recording same_last_name)", () => {
  assert.throws(() => columns(["foo", "s.foo"], { shownFull: true }), {
    kind: "ConfigInvalid",
    message:
      'Cannot tell "shop.public.foo" and "shop.s.foo" apart: CockroachDB v21.2.0 says no more than "foo" of either',
  });
  columns(["foo", "s.foo"], { full: true });
});

Deno.test("TableColumns recognises a name that is quoted otherwise, and no other", () => {
  const full = columns(["order"], { full: true });
  assert.equal(full.recognise('shop.public."order"'), true);
  assert.equal(full.shownFor('shop.public."order"'), "shop.public.order");
  for (const other of ["shop.s.order", "public.order", "order", "x", ""]) {
    assert.equal(full.recognise(other), false);
  }
});

Deno.test("TableColumns knows a column family by name, and any behind a table's name where all are sent", () => {
  const one = columns(["orders FAMILY meta"]);
  assert.deepEqual([one.has("orders.meta"), one.has("orders.rest"), one.recognise("orders.rest")], [
    true,
    false,
    false,
  ]);
  const each = columns(["orders", '"orders.old"'], { families: true });
  assert.equal(each.recognise("orders.meta"), true);
  assert.equal(each.shownFor("orders.meta"), "orders.meta");
  assert.equal(each.recognise("orders.old.meta"), true);
  assert.equal(each.recognise("customers.meta"), false);
  assert.equal(columns(["orders"]).recognise("orders.meta"), false);
});

Deno.test("TableColumns learns another name of a table", () => {
  const table = columns(["foo"]);
  assert.equal(table.shownFor("bar"), "bar");
  table.add("bar", "foo");
  assert.equal(table.shownFor("bar"), "foo");
});
