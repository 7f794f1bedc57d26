import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fullTableName,
  parseTableName,
  quoteIdentifier,
  quoteTableName,
  quoteTarget,
  tableColumn,
} from "../../src/table_name.ts";
import { anyText } from "../support/arbitrary.ts";

/** What CockroachDB can store as a name: anything but nothing and NUL. */
const anyIdentifier = anyText.map((text) => text.replaceAll("\0", "")).filter((text) => text !== "");

function name(table: string, schema?: string, database?: string) {
  return { table, schema, database };
}

Deno.test("parseTableName() reads one, two and three parts, from the right", () => {
  assert.deepEqual(parseTableName("foo"), name("foo"));
  assert.deepEqual(parseTableName("s.foo"), name("foo", "s"));
  assert.deepEqual(parseTableName("db.s.foo"), name("foo", "s", "db"));
  assert.deepEqual(parseTableName("  foo\n"), name("foo"));
});

Deno.test("parseTableName() lower-cases unquoted parts and keeps quoted ones", () => {
  assert.deepEqual(parseTableName("Db.PUBLIC.Foo"), name("foo", "public", "db"));
  assert.deepEqual(parseTableName('Db."Public".Foo'), name("foo", "Public", "db"));
  assert.deepEqual(parseTableName('"Mixed Case"'), name("Mixed Case"));
  assert.deepEqual(parseTableName("ÄPFEL"), name("äpfel"));
});

Deno.test("parseTableName() composes unquoted parts, as CockroachDB does", () => {
  assert.deepEqual(parseTableName("A\u0308pfel"), name("\u00e4pfel"));
  assert.deepEqual(parseTableName('"A\u0308pfel"'), name("A\u0308pfel"));
});

Deno.test("parseTableName() reads quotes, dots, commas and blanks inside quotes", () => {
  assert.deepEqual(parseTableName('"Weird ""Table"'), name('Weird "Table'));
  assert.deepEqual(parseTableName('"a.b"."c,d"'), name("c,d", "a.b"));
  assert.deepEqual(parseTableName('""""'), name('"'));
  assert.deepEqual(parseTableName(`"';--"`), name("';--"));
});

Deno.test("parseTableName() reads a column family behind the table", () => {
  assert.deepEqual(parseTableName("s.Foo FAMILY Meta"), { ...name("foo", "s"), family: "meta" });
  assert.deepEqual(parseTableName('"a family b"  family "F ""1"""'), {
    ...name("a family b"),
    family: 'F "1"',
  });
  assert.deepEqual(parseTableName('"a family b"'), name("a family b"));
  for (const text of ["foo FAMILY", "FAMILY f", "foo FAMILY a.b", "foo FAMILY a b", "foo bar FAMILY f"]) {
    assert.equal(parseTableName(text), undefined, text);
  }
});

Deno.test("a column family stands in the statement, in the full name and in the feed's table column", () => {
  const family = { ...name("Foo"), family: "Meta" };
  assert.equal(quoteTarget(family), '"Foo" FAMILY "Meta"');
  assert.equal(quoteTarget(name("foo")), '"foo"');
  assert.equal(fullTableName(family, "shop"), 'shop.public."Foo".Meta');
  assert.deepEqual(
    [tableColumn(family, "shop", false), tableColumn(name("foo"), "shop", false)],
    ["Foo.Meta", "foo"],
  );
  assert.equal(tableColumn(name("Foo", "s"), "shop", true), 'shop.s."Foo"');
});

Deno.test("parseTableName() refuses what is not one name", () => {
  for (
    const text of [
      "",
      " ",
      ".",
      "a.",
      ".a",
      "a..b",
      "a.b.c.d",
      '""',
      '"a',
      'a"',
      'a"b"',
      '"a"b',
      "a b",
      "a,b",
      "a;b",
      "a(b)",
      "a'b",
      '"a\0b"',
      "a . b",
    ]
  ) assert.equal(parseTableName(text), undefined, JSON.stringify(text));
});

Deno.test("parseTableName() reads back every name that quoteTableName() writes", () => {
  const option = fc.option(anyIdentifier, { nil: undefined });
  fc.assert(fc.property(anyIdentifier, option, option, (table, schema, database) => {
    const written = name(table, schema, schema === undefined ? undefined : database);
    assert.deepEqual(parseTableName(quoteTableName(written)), written);
  }));
});

Deno.test("quoteIdentifier() leaves no way out of the quotes", () => {
  fc.assert(fc.property(anyText, (text) => {
    const quoted = quoteIdentifier(text);
    assert.ok(quoted.startsWith('"') && quoted.endsWith('"'));
    const inside = quoted.slice(1, -1);
    assert.equal(inside.replaceAll('""', "").includes('"'), false);
    assert.equal(inside.replaceAll('""', '"'), text);
  }));
});

Deno.test("fullTableName() fills the defaults in and quotes only where it must", () => {
  assert.equal(fullTableName(name("foo"), "defaultdb"), "defaultdb.public.foo");
  assert.equal(fullTableName(name("foo", "s"), "defaultdb"), "defaultdb.s.foo");
  assert.equal(fullTableName(name("foo", "s", "db"), "defaultdb"), "db.s.foo");
  assert.equal(fullTableName(name("Mixed Case"), "my-db"), '"my-db".public."Mixed Case"');
  assert.equal(fullTableName(name("1st"), "_d$1"), '_d$1.public."1st"');
});

Deno.test("fullTableName() can be read back, so that no two tables share a name", () => {
  fc.assert(fc.property(anyIdentifier, anyIdentifier, anyIdentifier, (table, schema, database) => {
    const full = name(table, schema, database);
    assert.deepEqual(parseTableName(fullTableName(full, "unused")), full);
  }));
  const upper = name("É", "public", "d");
  assert.deepEqual(parseTableName(fullTableName(upper, "unused")), upper);
});
