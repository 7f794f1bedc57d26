import type { Fault } from "../simulator/faults.ts";
import type { RecordedVersion } from "./recording.ts";

/** What was there before a recording began; the recordings do not show it. */
export interface Scenario {
  /** Statements run as root before the recording's cursor is taken. */
  readonly before?: readonly string[];
  /** Statements run after it. */
  readonly after?: readonly string[];
  /** Everything up to the cursor has been collected from this table. */
  readonly collected?: string;
  /** What goes wrong while it is played. */
  readonly faults?: readonly Fault[];
  /** Statements that undo what goes beyond tables. */
  readonly cleanUp?: readonly string[];
  /** Pauses are waited out, so many times faster than recorded, to see how often resolved timestamps come. */
  readonly pace?: number;
}

const FOO = "CREATE TABLE foo (a INT PRIMARY KEY, b INT)";

function foo(...rows: readonly string[]): Scenario {
  return { before: [FOO, ...rows.map((row) => `INSERT INTO foo VALUES ${row}`)] };
}

const LARGE = "(9007199254740993, 9223372036854775807)";
const AFTER_TRANSACTION = ["(54, 11)", "(201, 2)", "(202, 1)"];

const TYPES_TABLE = `CREATE TABLE t (
  id UUID PRIMARY KEY, i2 INT2, i8 INT8, f FLOAT, d DECIMAL, bo BOOL, s STRING, by BYTES, da DATE, ti TIME,
  ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL, ip INET, j JSONB, ar INT[], sa STRING[], bi BIT(3), co STRING COLLATE en
)`;

const TYPES_ROW = `INSERT INTO t VALUES (
  '63616665-6630-3064-6465-616462656562', 1, 9223372036854775807, 1e300, 12345678901234567890.123456789012345678901, true,
  E'quo"te \\\\ back / slash < > & é 😀 tab\\t nl\\n end', b'\\x00\\xff', '2020-07-14', '01:02:03.5',
  '2020-07-14 01:02:03.456789', '2020-07-14 01:02:03.456789Z', '1 mon 2 days 03:04:05', '192.168.0.1/24',
  '{"k": [1, 2.50, null, {"z": "é"}]}', ARRAY[1, 2, NULL], ARRAY['a', 'b"c'], B'101', 'hello' COLLATE en
)`;

/** By recording of v20.2; those that are not here began with an empty database. */
const OF_20_2: Readonly<Record<string, Scenario>> = {
  "cursor-resume": foo("(54, 7)"),
  "cursor-store-sql": {},
  "error-bad-option": foo(),
  "error-cancel-query": foo(...AFTER_TRANSACTION),
  "error-cancel-session": foo("(54, 7)", "(56, NULL)", LARGE),
  "error-cursor-before-table": {},
  "error-cursor-in-future": foo(),
  "error-cursor-malformed": foo(),
  "error-cursor-past-gc": { before: ["CREATE TABLE gct (a INT PRIMARY KEY)"], collected: "gct" },
  "error-no-such-database": foo(),
  "error-no-such-table": {},
  "error-privilege": { before: [FOO, "CREATE USER weak"] },
  "error-rangefeed-disabled": {
    ...foo(...AFTER_TRANSACTION),
    after: ["SET CLUSTER SETTING kv.rangefeed.enabled = false"],
  },
  "error-server-drain": foo("(56, NULL)", LARGE),
  "error-server-killed": foo("(56, NULL)", LARGE),
  "error-table-dropped": { before: ["CREATE TABLE dr (a INT PRIMARY KEY)", "INSERT INTO dr VALUES (1)"] },
  "error-table-truncated": { before: ["CREATE TABLE tr (a INT PRIMARY KEY)", "INSERT INTO tr VALUES (1)"] },
  "execute-max-rows-portal": foo(...AFTER_TRANSACTION),
  "extended-binary": foo(),
  "multi-table-composite-key": {
    before: [
      `CREATE TABLE "Mixed Case" ("Key" STRING PRIMARY KEY, v INT)`,
      `INSERT INTO "Mixed Case" VALUES ('k', 1)`,
      "CREATE TABLE m1 (a INT, b STRING, c INT, PRIMARY KEY (a, b))",
      `INSERT INTO m1 VALUES (1, 'x"y', 2)`,
    ],
  },
  "options-key-only-no-initial-scan": foo("(54, 10)"),
  "options-updated-diff": foo("(54, 7)", "(56, NULL)", LARGE),
  "query-then-terminate-is-prompt": foo("(54, 7)", "(56, NULL)", LARGE),
  "schema-change-add-column-default-backfill": {
    before: ["CREATE TABLE sc (a INT PRIMARY KEY)", "INSERT INTO sc VALUES (1), (2)"],
  },
  "simple-initial-scan-update-delete": foo("(54, NULL)", "(55, 1)", "(56, NULL)"),
  "transaction-many-rows": foo(),
  "types": {
    before: [
      TYPES_TABLE,
      TYPES_ROW,
      `INSERT INTO t (id, d, f) VALUES ('63616665-6630-3064-6465-616462656563', 'NaN', 'Infinity')`,
    ],
  },
};

/** Recordings of v21.2 and v22.1 show themselves what was there before. */
const OF_LATER: Readonly<Record<string, Scenario>> = {
  resolved_cadence: { pace: 10 },
  privileges: { cleanUp: ["DROP USER u1"] },
  types: { cleanUp: ["DROP TYPE mood"] },
  same_last_name: { cleanUp: ["DROP SCHEMA s"] },
  views_and_sequences: { cleanUp: ["DROP SEQUENCE sq"] },
};

const MOVING_RANGES = { kind: "rewind", share: 1 } as const;

/** What the recordings of v22.1 do not show: a default of its databases, and why rows came again. */
const OF_22_1: Readonly<Record<string, Scenario>> = {
  privileges: {
    before: ["GRANT CREATE ON SCHEMA public TO public"],
    cleanUp: ["REVOKE CREATE ON SCHEMA public FROM public", "DROP USER u1"],
  },
  simple_diff: { faults: [{ ...MOVING_RANGES, least: 3 }] },
  mvcc_key_topic_in_value: { faults: [MOVING_RANGES] },
  same_last_name: { ...OF_LATER["same_last_name"], faults: [{ ...MOVING_RANGES, times: 2 }] },
};

/** The scenario of a recording. */
export function scenarioOf(version: RecordedVersion, name: string): Scenario | undefined {
  if (version === "20.2") return OF_20_2[name];
  return (version === "22.1" ? OF_22_1[name] : undefined) ?? OF_LATER[name] ?? {};
}
