import assert from "node:assert/strict";
import fc from "fast-check";
import { parseChangefeed } from "../../simulator/changefeed_statement.ts";
import { joined, splitStatements, tokenize } from "../../simulator/sql_lexer.ts";
import { engineSchema, rewrite } from "../../simulator/sql_rewrite.ts";
import { createdFamilies } from "../../simulator/column_family.ts";
import { DEFAULT_VERSION, versionProfile } from "../../simulator/version.ts";

const old = versionProfile(DEFAULT_VERSION);
const modern = versionProfile("v23.1.14");

const names = {
  database: "defaultdb",
  isDatabase: (name: string) => name === "shop" || name === "defaultdb",
  isSchema: (name: string) => name === "own",
  columnsOf: (_schema: string, table: string) =>
    table === "t" ? { written: ["a", "b"], primaryKey: ["a"] } : undefined,
};
const rewritten = (sql: string) => rewrite(sql, names).replaceAll(/\s+/g, " ").trim();

Deno.test("tokenize() loses nothing", () => {
  fc.assert(fc.property(fc.string(), (sql) => assert.equal(joined(tokenize(sql)), sql)));
});

Deno.test("splitStatements() cuts at semicolons outside of strings and comments", () => {
  assert.deepEqual(splitStatements(`a ';' "x;y" ; ; b -- c;\n; E'\\';' `), [
    `a ';' "x;y"`,
    "b -- c;",
    "E'\\';'",
  ]);
});

Deno.test("rewrite() knows CockroachDB's types where types stand, and columns of the same name", () => {
  assert.equal(
    rewritten("CREATE TABLE x (key STRING NOT NULL PRIMARY KEY, bytes INT, by BYTES, s STRING(20), a INT[])"),
    "CREATE TABLE x (key text NOT NULL PRIMARY KEY, bytes int8, by bytea, s text(20), a int8[])",
  );
  assert.equal(
    rewritten("SELECT bytes, 1::STRING, CAST(2 AS INT)"),
    "SELECT bytes, 1::text, CAST(2 AS int8)",
  );
  assert.equal(rewritten("ALTER TABLE x ADD COLUMN bytes BYTES"), "ALTER TABLE x ADD COLUMN bytes bytea");
});

Deno.test("rewrite() makes UPSERT overwrite by primary key", () => {
  assert.equal(
    rewritten("UPSERT INTO t VALUES (1, 2) RETURNING a"),
    'INSERT INTO t VALUES (1, 2) ON CONFLICT ("a") DO UPDATE SET "b" = excluded."b" RETURNING a',
  );
  assert.equal(
    rewritten("UPSERT INTO t (a) VALUES ($1)"),
    'INSERT INTO t (a) VALUES ($1) ON CONFLICT ("a") DO UPDATE SET "a" = excluded."a"',
  );
});

Deno.test("rewrite() finds databases and schemas", () => {
  assert.equal(rewritten("SELECT o.id FROM shop.orders o"), 'SELECT o.id FROM "shop.public".orders o');
  assert.equal(rewritten("SELECT * FROM shop.sales.orders"), 'SELECT * FROM "shop.sales".orders');
  assert.equal(rewritten("SELECT * FROM public.t"), 'SELECT * FROM "public".t');
  assert.equal(engineSchema("defaultdb"), "public");
});

Deno.test("rewrite() finds tables of created schemas, and leaves the engine's own alone", () => {
  assert.equal(
    rewritten("SELECT * FROM own.t, pg_catalog.pg_class"),
    'SELECT * FROM "defaultdb.own".t, pg_catalog.pg_class',
  );
});

Deno.test("rewrite() leaves out what PostgreSQL has no word for", () => {
  assert.equal(
    rewritten(
      `CREATE TABLE x (a INT, b INT AS (a + 1) STORED, INDEX (b), FAMILY "primary" (a), PRIMARY KEY (a DESC))`,
    ),
    "CREATE TABLE x (a int8, b int8 GENERATED ALWAYS AS (a + 1) STORED, PRIMARY KEY (a))",
  );
  assert.equal(
    rewritten("SELECT * FROM t AS OF SYSTEM TIME '-1s' WHERE a = 1"),
    "SELECT * FROM t WHERE a = 1",
  );
  assert.equal(rewritten("SELECT b'\\x00a', B'01', 'x' COLLATE en"), "SELECT '\\x0061'::bytea, B'01', 'x'");
});

Deno.test("parseChangefeed() reads targets and options", () => {
  const statement = parseChangefeed(
    `EXPERIMENTAL CHANGEFEED FOR TABLE foo, "Mixed Case", db.s.t WITH resolved='1s', updated, cursor = '1.0'`,
    old,
  );
  assert.deepEqual(statement?.targets.map(({ path }) => path), [["foo"], ["Mixed Case"], ["db", "s", "t"]]);
  assert.deepEqual([...statement!.options], [["resolved", "1s"], ["updated", ""], ["cursor", "1.0"]]);
  assert.equal(parseChangefeed("SELECT 1", old), undefined);
});

Deno.test("parseChangefeed() reads column families from v22.1 on", () => {
  const sql = 'CREATE CHANGEFEED FOR TABLE foo FAMILY f1, TABLE bar, baz FAMILY "F 2"';
  assert.deepEqual(parseChangefeed(sql, modern)?.targets.map(({ family }) => family), [
    "f1",
    undefined,
    "F 2",
  ]);
  assert.throws(() => parseChangefeed(sql, old), { code: "42601" });
});

Deno.test("parseChangefeed() reads CDC queries from v22.2 on, whose envelope is bare unless they say otherwise", () => {
  const sql =
    "CREATE CHANGEFEED WITH updated, cursor = '1.0' AS SELECT id, extract(day FROM at) FROM db.s.foo WHERE x = ' AS '";
  const statement = parseChangefeed("CREATE CHANGEFEED AS SELECT id FROM db.s.foo f", modern);
  assert.deepEqual(statement?.targets, [{ path: ["db", "s", "foo"], family: undefined }]);
  assert.equal(statement.query, "SELECT id FROM db.s.foo f");
  assert.equal(parseChangefeed(sql, modern)?.options.get("envelope"), "bare");
  const wrapped = "CREATE CHANGEFEED WITH envelope = 'wrapped' AS SELECT id FROM foo";
  assert.equal(parseChangefeed(wrapped, modern)?.options.get("envelope"), "wrapped");
  assert.throws(() => parseChangefeed(sql, old), { code: "42601", hint: "try \\h CREATE" });
  assert.throws(
    () => parseChangefeed("CREATE CHANGEFEED AS SELECT 1 FROM a, b", modern),
    /more than 1 table/,
  );
});

Deno.test("createdFamilies() finds the families of a table, with and without names", () => {
  assert.deepEqual(
    createdFamilies(
      'CREATE TABLE d.public.t (a INT PRIMARY KEY, b INT, c INT, FAMILY most (a, "b"), FAMILY (c))',
    ),
    {
      path: ["d", "public", "t"],
      families: [{ name: "most", columns: ["a", "b"] }, { name: "fam_1_c", columns: ["c"] }],
    },
  );
  assert.deepEqual(createdFamilies("CREATE TABLE t (family INT)")?.families, []);
  assert.equal(createdFamilies("SELECT 1"), undefined);
});

Deno.test("parseChangefeed() refuses options that the version does not know", () => {
  const sql = "CREATE CHANGEFEED FOR foo WITH min_checkpoint_frequency = '1s'";
  assert.throws(() => parseChangefeed(sql, old), {
    code: "XXUUU",
    message: 'invalid option "min_checkpoint_frequency"',
  });
  assert.equal(parseChangefeed(sql, modern)?.options.get("min_checkpoint_frequency"), "1s");
  const enriched = "CREATE CHANGEFEED FOR foo WITH enriched_properties = 'source'";
  assert.throws(() => parseChangefeed(enriched, modern), { message: /invalid option "enriched_properties"/ });
  assert.ok(parseChangefeed(enriched, versionProfile("v25.2.0")));
});
