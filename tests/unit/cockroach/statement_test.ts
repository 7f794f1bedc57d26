import assert from "node:assert/strict";
import fc from "fast-check";
import type { Version } from "../../../src/cockroach/version.ts";
import {
  asksForSource,
  changefeedStatement,
  envelopeShape,
  type FeedStatement,
} from "../../../src/cockroach/statement.ts";
import { AgentError } from "../../../src/errors.ts";
import { parseTableName, type TableName } from "../../../src/table_name.ts";
import { anyText, hlc } from "../../support/arbitrary.ts";

const V20: Version = { major: 20, minor: 2, text: "v20.2.0" };
const V22: Version = { major: 22, minor: 1, text: "v22.1.0" };

function table(name: string): TableName {
  return parseTableName(name)!;
}

function statement(parts: Partial<FeedStatement> = {}, version = V20): string {
  return changefeedStatement({
    tables: [table("foo")],
    query: undefined,
    resolvedEvery: 10_000,
    cursor: hlc("1795327115537039927.0000000000"),
    initialScan: false,
    diff: false,
    options: [],
    ...parts,
  }, version);
}

Deno.test("changefeedStatement() is EXPERIMENTAL before v22, and sets resolved, cursor and updated", () => {
  assert.equal(
    statement(),
    `EXPERIMENTAL CHANGEFEED FOR TABLE "foo" WITH resolved = '10000ms', ` +
      `cursor = '1795327115537039927.0000000000', updated`,
  );
});

Deno.test("changefeedStatement() is CREATE without a sink from v22 on, where checkpoints have to be asked for too", () => {
  for (const version of [V22, { major: 26, minor: 2, text: "v26.2.0" }]) {
    assert.equal(
      statement({}, version),
      `CREATE CHANGEFEED FOR TABLE "foo" WITH resolved = '10000ms', min_checkpoint_frequency = '10000ms', ` +
        `cursor = '1795327115537039927.0000000000', updated`,
    );
  }
  assert.ok(
    statement({}, { major: 21, minor: 2, text: "v21.2.0" }).startsWith("EXPERIMENTAL CHANGEFEED FOR"),
  );
});

Deno.test("changefeedStatement() asks for the initial scan and for diff when told to", () => {
  assert.match(statement({ initialScan: true, diff: true }), /, initial_scan, diff, updated$/);
});

Deno.test("changefeedStatement() quotes every table", () => {
  assert.match(
    statement({ tables: [table("foo"), table('d."S".t'), table('"Weird ""Table"')] }),
    / FOR TABLE "foo", "d"\."S"\."t", "Weird ""Table" WITH /,
  );
});

Deno.test("changefeedStatement() names column families, and says which version they need", () => {
  const tables = [table("foo FAMILY a"), table("bar")];
  assert.match(statement({ tables }, V22), / FOR TABLE "foo" FAMILY "a", "bar" WITH /);
  assert.throws(
    () => statement({ tables }),
    (error) =>
      error instanceof AgentError && error.kind === "OptionRejected" &&
      /"a".*v20\.2\.0/.test(error.message) &&
      error.hint.includes("v22.1"),
  );
});

Deno.test("changefeedStatement() puts a query behind its options, and says which version that needs", () => {
  const query = "SELECT id FROM foo WHERE a > 1";
  const options = [{ name: "envelope", value: "bare" }];
  assert.match(
    statement({ query, options, initialScan: true }, { major: 22, minor: 2, text: "v22.2.0" }),
    /^CREATE CHANGEFEED WITH resolved = .*, initial_scan, updated, envelope = 'bare' AS SELECT id FROM foo WHERE a > 1$/,
  );
  for (const version of [V20, V22]) {
    assert.throws(
      () => statement({ query }, version),
      (error) =>
        error instanceof AgentError && error.kind === "OptionRejected" &&
        error.message.includes(version.text) &&
        error.hint.includes("v22.2"),
    );
  }
});

Deno.test("changefeedStatement() passes the operator's options on, and does not ask twice for updated", () => {
  const options = [
    { name: "full_table_name", value: undefined },
    { name: "schema_change_policy", value: "it's" },
    { name: "updated", value: undefined },
  ];
  assert.match(
    statement({ options }),
    /cursor = '1795327115537039927\.0000000000', full_table_name, schema_change_policy = 'it''s', updated$/,
  );
});

Deno.test("changefeedStatement() does not ask for updated where key_only has no place for it", () => {
  const sql = statement({ options: [{ name: "envelope", value: "key_only" }] });
  assert.equal(/\bupdated\b/.test(sql), false);
  for (const value of ["wrapped", "bare"]) {
    assert.match(statement({ options: [{ name: "envelope", value }] }), /, updated, envelope = /);
  }
});

Deno.test("changefeedStatement() asks for wrapped values where row is cut out of them", () => {
  const sql = statement({
    options: [{ name: "envelope", value: "row" }, { name: "full_table_name", value: undefined }],
  });
  assert.match(sql, /, updated, full_table_name$/);
});

Deno.test("changefeedStatement() asks for the source of enriched values, where the timestamp is", () => {
  const enriched = { name: "envelope", value: "enriched" };
  for (
    const [given, asked] of [
      [undefined, "source"],
      ["schema", "schema,source"],
      ["source", "source"],
      ["schema, source", "schema, source"],
    ] as const
  ) {
    const properties = given === undefined ? [] : [{ name: "enriched_properties", value: given }];
    assert.ok(
      statement({ options: [enriched, ...properties] }).endsWith(
        `, updated, envelope = 'enriched', enriched_properties = '${asked}'`,
      ),
      asked,
    );
    assert.equal(asksForSource(properties), given?.includes("source") ?? false);
  }
});

Deno.test("changefeedStatement() lets no name and no value out of its quotes", () => {
  const name = anyText.map((text) => text.replaceAll("\0", "")).filter((text) => text !== "");
  fc.assert(fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), anyText, (names, value) => {
    const sql = statement({
      tables: names.map((table) => ({ table, schema: undefined, database: undefined })),
      options: [{ name: "webhook_auth_header", value }],
    });
    const outside = sql.replace(/"(?:[^"]|"")*"|'(?:[^']|'')*'/g, "?");
    assert.equal(
      outside,
      `EXPERIMENTAL CHANGEFEED FOR TABLE ${names.map(() => "?").join(", ")} WITH resolved = ?, cursor = ?, ` +
        `updated, webhook_auth_header = ?`,
    );
    assert.ok(sql.endsWith(`'${value.replaceAll("'", "''")}'`));
  }));
});

Deno.test("envelopeShape() is wrapped unless an option says otherwise", () => {
  assert.equal(envelopeShape([]), "wrapped");
  assert.equal(envelopeShape([{ name: "full_table_name", value: undefined }]), "wrapped");
  for (const value of ["wrapped", "enriched", "row", "bare", "key_only"]) {
    assert.equal(envelopeShape([{ name: "envelope", value }]), value);
  }
});

Deno.test("envelopeShape() refuses a shape that cannot be read, and names it", () => {
  for (const value of ["deprecated_row", "", "WRAPPED"]) {
    assert.throws(
      () => envelopeShape([{ name: "envelope", value }]),
      (error) =>
        error instanceof AgentError && error.kind === "ConfigInvalid" && error.message.includes(`"${value}"`),
    );
  }
});
