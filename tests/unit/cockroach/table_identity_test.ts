import assert from "node:assert/strict";
import { TableCatalog } from "../../../src/cockroach/table_catalog.ts";
import { identify } from "../../../src/cockroach/table_identity.ts";
import { AgentError } from "../../../src/errors.ts";

const whole = (table: string) => ({ database: "shop", schema: "public", table });

/** Tables by name, with their ids. */
function catalog(tables: Readonly<Record<string, string>>): TableCatalog {
  const entries = Object.entries(tables);
  return new TableCatalog(
    new Map(entries.map(([table, id]) => [`shop.public.${table}`, id])),
    new Map(entries.map(([table, id]) => [id, { table, schema: undefined }])),
  );
}

/** The ids for these names, as the session before had them, at the cursor, and now. */
function ids(
  given: readonly string[],
  known: Readonly<Record<string, string>> | undefined,
  then: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>> = then,
): (string | undefined)[] {
  const before = known &&
    new Map(Object.entries(known).map(([table, id]) => [`shop.public.${table}`, id]));
  const found = identify(given.map(whole), { known: before, then: catalog(then), now: catalog(now) });
  return given.map((table) => found.get(`shop.public.${table}`));
}

function refused(...args: Parameters<typeof ids>): AgentError {
  try {
    ids(...args);
  } catch (error) {
    assert.ok(error instanceof AgentError);
    return error;
  }
  assert.fail("went on");
}

Deno.test("identify() takes what the names stand for at the cursor where nothing is known", () => {
  assert.deepEqual(ids(["foo"], undefined, { foo: "104" }, { foo: "106", foo_old: "104" }), ["104"]);
  assert.deepEqual(ids(["foo"], undefined, {}, { foo: "106" }), [undefined]);
});

Deno.test("identify() follows a table that was renamed, by its old name and by its new one", () => {
  const known = { foo: "104" };
  assert.deepEqual(ids(["foo"], known, { foo: "104" }), ["104"]);
  assert.deepEqual(ids(["foo"], known, { foo: "104" }, { bar: "104" }), ["104"]);
  assert.deepEqual(ids(["foo"], known, { bar: "104" }), ["104"]);
  assert.deepEqual(ids(["bar"], known, { foo: "104" }, { bar: "104" }), ["104"]);
  assert.deepEqual(ids(["bar"], known, { bar: "104" }), ["104"]);
});

Deno.test("identify() refuses a name that stands for another table, and says where the table of before is", () => {
  const swapped = refused(["foo"], { foo: "104" }, { foo: "104", foo_new: "106" }, {
    foo_old: "104",
    foo: "106",
  });
  assert.equal(swapped.kind, "TableReplaced");
  assert.equal(
    swapped.message,
    'Cannot go on with "shop.public.foo": it was table 104 at the cursor and is table 106 now; table 104 is "shop.public.foo_old" now',
  );
  assert.match(swapped.hint, /--table shop\.public\.foo_old.*--feed.*cursor delete/);
  const later = { foo_old: "104", foo: "106" };
  assert.equal(refused(["foo"], { foo: "104" }, later).kind, "TableReplaced");
  assert.deepEqual(ids(["foo_old"], { foo: "104" }, { foo: "104", foo_new: "106" }, later), ["104"]);
});

Deno.test("identify() refuses two tables of the feed that have swapped their names", () => {
  const known = { one: "104", two: "105" };
  const error = refused(["one", "two"], known, { one: "104", two: "105" }, { one: "105", two: "104" });
  assert.match(
    error.message,
    /"shop\.public\.one": it was table 104 .* table 104 is "shop\.public\.two" now$/,
  );
});

Deno.test("identify() refuses a table made anew, but leaves it to CockroachDB where the old one can still be read", () => {
  const gone = refused(["foo"], { foo: "104" }, { foo: "106" });
  assert.match(gone.message, /is table 106 now; table 104 is gone$/);
  assert.doesNotMatch(gone.hint, /--table/);
  assert.deepEqual(ids(["foo"], { foo: "104" }, { foo: "104" }, { foo: "106" }), ["104"]);
});

Deno.test("identify() takes tables that are added and lets go those that are removed", () => {
  assert.deepEqual(ids(["foo", "bar"], { foo: "104" }, { foo: "104", bar: "105" }), ["104", "105"]);
  assert.deepEqual(ids(["bar"], { foo: "104", bar: "105" }, { foo: "104", bar: "105" }), ["105"]);
});

Deno.test("identify() refuses two names of one table", () => {
  const error = refused(["foo", "bar"], { foo: "104" }, { bar: "104" });
  assert.equal(error.kind, "ConfigInvalid");
  assert.match(error.message, /"shop\.public\.bar" and "shop\.public\.foo": both are table 104/);
});
