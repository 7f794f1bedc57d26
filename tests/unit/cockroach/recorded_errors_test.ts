import assert from "node:assert/strict";

import { classifySourceError } from "../../../src/cockroach/errors.ts";
import type { ErrorKind } from "../../../src/errors.ts";

/** What real CockroachDBs of 2020, 2021 and 2022 answered, with times as `#`: kind, and what its hint speaks of. */
const EXPECTED: Readonly<Record<string, readonly [ErrorKind, RegExp]>> = {
  'time: invalid duration "ten seconds" (XXUUU)': ["OptionRejected", /--changefeed-option/],
  'time: invalid duration "x" (XXUUU)': ["OptionRejected", /--changefeed-option/],
  'invalid option "nonsense" (XXUUU)': ["OptionRejected", /--changefeed-option/],
  'invalid option "bogus" (XXUUU)': ["OptionRejected", /--changefeed-option/],
  'invalid option "end_time" (XXUUU)': ["OptionRejected", /this version/],
  'invalid option "split_column_families" (XXUUU)': ["OptionRejected", /this version/],
  'invalid option "min_checkpoint_frequency" (XXUUU)': ["OptionRejected", /this version/],
  'invalid option "lagging_ranges_threshold" (XXUUU)': ["OptionRejected", /this version/],
  'invalid option "execution_locality" (XXUUU)': ["OptionRejected", /this version/],
  'invalid option "virtual_columns" (XXUUU)': ["OptionRejected", /this version/],
  'option "initial_scan" does not take a value (XXUUU)': ["OptionRejected", /--changefeed-option/],
  "cannot specify both initial_scan and no_initial_scan (XXUUU)": ["OptionRejected", /--changefeed-option/],
  "unknown envelope: bare (XXUUU)": ["OptionRejected", /this version/],
  "unknown envelope: enriched (XXUUU)": ["OptionRejected", /this version/],
  "unknown format: csv (XXUUU)": ["OptionRejected", /--changefeed-option/],
  'at or near "with": syntax error (42601)': ["OptionRejected", /--query/],
  'at or near "family": syntax error (42601)': ["OptionRejected", /FAMILY/],
  "query execution canceled (57014)": ["SourceDraining", /nothing to do/],
  "server is shutting down (57P01)": ["SourceDraining", /nothing to do/],
  "schema change occurred at # (55C01)": ["PrimaryKeyChanged", /new keys/],
  "AS OF SYSTEM TIME: cannot specify timestamp in the future (#,0 > #,0) (XXUUU)": [
    "ConfigInvalid",
    /another cluster/,
  ],
  "AS OF SYSTEM TIME: value is neither timestamp, decimal, nor interval (XXUUU)": [
    "ConfigInvalid",
    /malformed.*cursor set/,
  ],
  "AS OF SYSTEM TIME: zero timestamp is invalid (XXUUU)": ["ConfigInvalid", /malformed.*cursor set/],
  "batch timestamp #,0 must be after replica GC threshold #,0 (XXUUU)": [
    "CursorExpired",
    /--on-expired-cursor/,
  ],
  'table "late" does not exist (XXUUU)': ["TableMissing", /--table and the database/],
  'table "foo" does not exist (XXUUU)': ["TableMissing", /--table and the database/],
  'table "nope" does not exist (XXUUU)': ["TableMissing", /--table and the database/],
  'relation "cursor_store" does not exist (42P01)': ["TableMissing", /--table and the database/],
  'failed to resolve targets in the CHANGEFEED stmt: table "foo" does not exist (XXUUU)': [
    "TableMissing",
    /--table and the database/,
  ],
  'failed to resolve targets in the CHANGEFEED stmt: table "foo" does not exist (XXUUU, at the cursor)': [
    "TableMissing",
    /after the cursor.*cursor delete/,
  ],
  'failed to resolve targets in the CHANGEFEED stmt: database "defaultdb" does not exist (3D000, at the cursor)':
    [
      "TableMissing",
      /after the cursor.*cursor delete/,
    ],
  'failed to resolve targets in the CHANGEFEED stmt: database "no_such_database" does not exist (3D000)': [
    "TableMissing",
    /database in DATABASE_URL/,
  ],
  'failed to resolve targets in the CHANGEFEED stmt: table "information_schema.tables" does not exist (XXUUU)':
    [
      "TableMissing",
      /--table/,
    ],
  'failed to resolve targets in the CHANGEFEED stmt: table "pg_catalog.pg_class" does not exist (XXUUU)': [
    "TableMissing",
    /--table/,
  ],
  'database "no_such_database" does not exist (3D000)': ["TableMissing", /database in DATABASE_URL/],
  "no database or schema specified (42602)": ["TableMissing", /database in DATABASE_URL/],
  "only users with the admin role are allowed to CREATE CHANGEFEED (42501)": ["SourceDenied", /role admin/],
  "permission denied to create changefeed (42501)": [
    "SourceDenied",
    /ALTER USER … WITH CONTROLCHANGEFEED, and GRANT SELECT/,
  ],
  "current user must have a role WITH CONTROLCHANGEFEED (42501)": [
    "SourceDenied",
    /ALTER USER … WITH CONTROLCHANGEFEED, and GRANT SELECT/,
  ],
  "user u1 does not have CREATE privilege on database defaultdb (42501)": ["SourceDenied", /privileges/],
  "user u1 does not have CREATE privilege on schema public (42501)": ["SourceDenied", /privileges/],
  "user u1 has no privileges on relation foo (42501)": ["SourceDenied", /privileges/],
  "only users with the admin role are allowed to show cluster setting 'kv.rangefeed.enabled' (42501)": [
    "SourceDenied",
    /privileges/,
  ],
  "kv/kvserver/replica_rangefeed.go:134: rangefeeds require the kv.rangefeed.enabled setting. See https://www.cockroachlabs.com/docs/v20.2/change-data-capture.html#enable-rangefeeds-to-reduce-latency (XXUUU)":
    ["RangefeedDisabled", /SET CLUSTER SETTING/],
  '"dr" was dropped or truncated (XXUUU)': ["TableDropped", /if the table was truncated/],
  '"tr" was dropped or truncated (XXUUU)': ["TableDropped", /if the table was truncated/],
  '"foo" was dropped (XXUUU)': ["TableDropped", /remove it from --table/],
  '"foo" was truncated (XXUUU)': ["TableTruncated", /no deletes/],
  "CHANGEFEEDs are currently supported on tables with exactly 1 column family: foo has 2 (XXUUU)": [
    "TableUnsupported",
    /upgrade to v22\.1 or later/,
  ],
  "CHANGEFEED cannot target views: v (XXUUU)": ["TableUnsupported", /tables behind it/],
  "CHANGEFEED cannot target sequences: sq (XXUUU)": ["TableUnsupported", /remove it from --table/],
  "CHANGEFEEDs are not supported on system tables (XXUUU)": ["TableUnsupported", /remove it from --table/],
  // The client asked for a portal that was not there; this program has none.
  'unknown portal "" (34000)': ["Unknown", /a few times/],
};

const TIMES = /\d{10}(?:\d{9})?\.\d{9,10}/g;
const folder = new URL("../../recorded/data/", import.meta.url);

interface Answer {
  readonly msg?: string;
  readonly fields: { readonly C: string; readonly M: string; readonly H?: string };
}

function answers(version: string): Answer["fields"][] {
  return [...Deno.readDirSync(new URL(`${version}/`, folder))].filter(({ name }) => name.endsWith(".jsonl"))
    .flatMap(({ name }) =>
      Deno.readTextFileSync(new URL(`${version}/${name}`, folder)).trimEnd().split("\n")
        .map((line) => JSON.parse(line) as Answer).filter(({ msg }) => msg === "ErrorResponse")
        .map(({ fields }) => fields)
    );
}

const met = new Set<string>();

for (const version of ["20.2", "21.2", "22.1"]) {
  Deno.test(`classifySourceError() knows kind and hint of every failure recorded of v${version}`, () => {
    const all = answers(version);
    assert.ok(all.length > 10, `${all.length} failures`);
    for (const { C: code, M: text, H: hint } of all) {
      const atCursor = hint?.startsWith("do the targets exist") ? ", at the cursor" : "";
      const name = `${text.replaceAll(TIMES, "#")} (${code}${atCursor})`;
      met.add(name);
      const [kind, advice] = EXPECTED[name] ?? assert.fail(`nothing is expected of: ${name}`);
      const error = classifySourceError(Object.assign(new Error(text), { code, hint }), "Cannot read");
      assert.equal(error.kind, kind, name);
      assert.match(error.hint, advice, name);
    }
  });
}

Deno.test("every failure that is expected was recorded", () => {
  assert.deepEqual(Object.keys(EXPECTED).filter((name) => !met.has(name)), []);
});
