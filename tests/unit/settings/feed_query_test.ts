import assert from "node:assert/strict";
import fc from "fast-check";
import { type FeedQuery, parseFeedQuery } from "../../../src/settings/feed_query.ts";
import { parseTableName } from "../../../src/table_name.ts";
import { anyText } from "../../support/arbitrary.ts";

function query(text: string): FeedQuery {
  const parsed = parseFeedQuery(text);
  if (typeof parsed === "string") assert.fail(`${text}: ${parsed}`);
  return parsed;
}

Deno.test("parseFeedQuery() finds the table behind the outer FROM", () => {
  const cases: Record<string, string> = {
    "SELECT * FROM orders": "orders",
    "select id from Shop.Public.Orders where amount > 100": "shop.public.orders",
    'SELECT id FROM "Orders"."Weird ""Table" AS t WHERE t.a': '"Orders"."Weird ""Table"',
    "SELECT extract(epoch FROM at), trim(both FROM x) FROM t": "t",
    "SELECT 'FROM a', \"FROM b\", e'\\' FROM c', $q$ FROM d $q$ FROM e": "e",
    "SELECT a -- FROM b\n, /* FROM c */ d FROM\n  e;": "e",
    "SELECT ARRAY[a, (SELECT 1)] FROM foo@primary f": "foo",
    "SELECT a FROM äpfel": "äpfel",
  };
  for (const [text, table] of Object.entries(cases)) {
    assert.deepEqual(query(text).table, parseTableName(table), text);
  }
});

Deno.test("parseFeedQuery() keeps the query as it is, without a semicolon", () => {
  assert.equal(query("  SELECT  a FROM b ; ").text, "SELECT  a FROM b");
});

Deno.test("parseFeedQuery() says what it expects where there is no such query", () => {
  for (
    const text of [
      "",
      "orders",
      "SELECT 1",
      "SELECT * FROM",
      "SELECT * FROM (SELECT 1)",
      "SELECT * FROM [104 AS t]",
      "WITH a AS (SELECT 1) SELECT * FROM a",
      "SELECT (a FROM b",
      "DELETE FROM a",
    ]
  ) {
    assert.match(String(parseFeedQuery(text)), /^expected a query of one table, such as SELECT/, text);
  }
  fc.assert(fc.property(anyText, (text) => {
    const parsed = parseFeedQuery(`SELECT ${text} FROM t`);
    assert.ok(typeof parsed === "string" || parsed.table.table.length > 0);
  }));
});
