import { type Failure, FAILURES, GROUPS, type VersionGroup } from "./failures.ts";
import { SqlError } from "./sql_error.ts";

/** How one version of CockroachDB behaves: everything in which it differs from the others. */
export interface VersionProfile {
  /** `v20.2.0-alpha.20200714-161d68e8c2` */
  readonly name: string;
  /** True from this version on. */
  since(major: number, minor: number): boolean;
  /** What `SELECT version()` gives. */
  readonly text: string;
  /** Start-up parameters before the user's own. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** BackendKeyData is sent. */
  readonly sendsKeyData: boolean;
  /** Options of a changefeed: they take no value (false), need one (true), or may have one (undefined). */
  readonly options: ReadonlyMap<string, boolean | undefined>;
  readonly envelopes: readonly string[];
  /** Milliseconds between resolved timestamps where `min_checkpoint_frequency` says nothing. */
  readonly checkpointEvery: number;
  /** A scan ends with its own timestamp as a resolved one; without that the first comes after an interval. */
  readonly resolvesScan: boolean;
  /** Column families can be watched alone and together. */
  readonly familyTargets: boolean;
  /** CDC queries. */
  readonly queries: boolean;
  /** What a rename does to a feed: it fails, its rows have the new name, or they keep the statement's. */
  readonly renamed: "failure" | "new name" | "old name";
  /** `full_table_name` is heard; it is accepted by all. */
  readonly fullTableNames: boolean;
  /** A relation of a database that is not there is not called a missing one. */
  readonly namesMissingDatabase: boolean;
  /** What stands for virtual columns in rows where the option `virtual_columns` says nothing. */
  readonly virtualColumns: "null" | "omitted";
  /** The column that a hash-sharded index begins with is stored, and so in every row. */
  readonly storesShards: boolean;
  /** Who may connect to a database may create tables in its schema `public`. */
  readonly publicCreates: boolean;
  /** SHOW GRANTS has the column `is_grantable`. */
  readonly showsGrantable: boolean;
  /** CANCEL SESSION closes the connection. */
  readonly closesCancelledSessions: boolean;
  /** Timestamps of GLOBAL tables end in `?`. */
  readonly syntheticTimestamps: boolean;
  /** A feed asks for rangefeeds before it does anything. */
  readonly checksRangefeeds: boolean;
  /** What a feed asks of its user. */
  readonly feedPrivilege: "admin" | "role option" | "select";
  /** The error with that name in this version's words. */
  failure(name: keyof typeof FAILURES, values?: Readonly<Record<string, string>>): SqlError;
}

/** The versions of the recordings, by the name of their folder. */
export const RECORDED_VERSIONS = {
  "20.2": "v20.2.0-alpha.20200714-161d68e8c2",
  "21.2": "v21.2.0-alpha.20210513",
  "22.1": "v22.1.0-alpha.20220216",
} as const;

/** The version of a simulator that is not told one. */
export const DEFAULT_VERSION = RECORDED_VERSIONS["20.2"];

const BUILDS: Readonly<Record<VersionGroup, string>> = {
  "20.2": "(x86_64-linux-gnu, built 2026/11/22 05:53:08, go1.19.8)",
  "21.2": "(x86_64-linux-gnu, built , go1.26.8)",
  "22.1": "(x86_64-linux-gnu, built , go1.26.8)",
  later: "(x86_64-pc-linux-gnu, built 2024/01/02 16:09:55, go1.19.10)",
};

/** What new versions wait between checkpoints unless they are told otherwise. */
const DEFAULT_CHECKPOINT_EVERY = 30_000;

const OPTIONS: readonly (readonly [string, boolean | undefined])[] = [
  ["avro_schema_prefix", true],
  ["confluent_schema_registry", true],
  ["cursor", true],
  ["envelope", true],
  ["format", true],
  ["full_table_name", false],
  ["key_in_value", false],
  ["no_initial_scan", false],
  ["resolved", undefined],
  ["updated", false],
  ["diff", false],
  ["compression", true],
  ["schema_change_events", true],
  ["schema_change_policy", true],
  ["protect_data_from_gc_on_pause", false],
];
/** changefeedbase/options.go of 2022-02-16. */
const OPTIONS_22_1: readonly (readonly [string, boolean | undefined])[] = [
  ["topic_in_value", false],
  ["min_checkpoint_frequency", true],
  ["mvcc_timestamp", false],
  ["on_error", true],
  ["metrics_label", true],
  ["virtual_columns", true],
];
const OPTIONS_LATER: readonly (readonly [string, boolean | undefined])[] = [
  ["initial_scan_only", false],
  ["end_time", true],
  ["split_column_families", false],
  ["unordered", false],
  ["execution_locality", true],
  ["lagging_ranges_threshold", true],
  ["lagging_ranges_polling_interval", true],
  ["gc_protect_expires_after", true],
  ["ignore_disable_changefeed_replication", false],
];

/**
 * The profile of a version: `v20.2`, `v21.2` and `v22.1` are those of the recordings, all others (`v22.1.14`, `v25.4.0`)
 * behave as the last recorded one before them or, from the release of v22.1 on, as CockroachDB's documentation has it.
 */
export function versionProfile(asked: string): VersionProfile {
  const name = recordedName(asked) ?? asked;
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)/.exec(name) ?? []).map(Number);
  const since = (from: number, release: number) => major > from || major === from && minor >= release;
  const group = groupOf(name, since);
  const later = group === "later";
  const of20 = group === "20.2";
  const of22 = group === "22.1" || later;
  const text = `CockroachDB CCL ${name} ${BUILDS[group]}`;
  return {
    name,
    since,
    text,
    parameters: [
      ["server_version", of20 ? "9.5.0" : "13.0.0"],
      ["server_encoding", "UTF8"],
      ["client_encoding", "UTF8"],
      ["application_name", ""],
      ["DateStyle", "ISO, MDY"],
      ["IntervalStyle", "postgres"],
      // Whoever logs in, as recorded; other versions say at the end what the user is.
      ...(group === "22.1" ? [["is_superuser", "off"]] as const : []),
      ["TimeZone", "UTC"],
      ["integer_datetimes", "on"],
      ["standard_conforming_strings", "on"],
      ["crdb_version", of20 ? text.replace("CCL", "OSS") : text],
    ],
    sendsKeyData: !of20,
    options: new Map([
      ...OPTIONS,
      // It takes a value from the release of v22.1 on.
      ["initial_scan", later ? undefined : false],
      ...(of22 ? OPTIONS_22_1 : []),
      ...(later ? OPTIONS_LATER : []),
      ...(since(25, 2) ? [["enriched_properties", true]] as const : []),
    ]),
    envelopes: [
      ...["wrapped", "row", "deprecated_row", "key_only"],
      ...(since(22, 2) ? ["bare"] : []),
      ...(since(25, 2) ? ["enriched"] : []),
    ],
    checkpointEvery: of22 ? DEFAULT_CHECKPOINT_EVERY : 0,
    resolvesScan: group !== "21.2",
    familyTargets: later,
    queries: since(22, 2),
    renamed: of20 ? "failure" : since(22, 2) ? "old name" : "new name",
    fullTableNames: since(22, 2),
    namesMissingDatabase: of22,
    virtualColumns: of22 ? "omitted" : "null",
    storesShards: !of22,
    publicCreates: of22,
    showsGrantable: of22,
    closesCancelledSessions: !of20,
    syntheticTimestamps: since(21, 1) && !since(23, 2),
    checksRangefeeds: of22,
    feedPrivilege: of20 ? "admin" : later ? "select" : "role option",
    failure: (name, values = {}) => failure(FAILURES[name], group, values),
  };
}

function recordedName(asked: string): string | undefined {
  const [, release] = /^v?(\d+\.\d+)$/.exec(asked) ?? [];
  return release === undefined ? undefined : RECORDED_VERSIONS[release as keyof typeof RECORDED_VERSIONS];
}

function groupOf(name: string, since: VersionProfile["since"]): VersionGroup {
  if (!since(21, 1)) return "20.2";
  if (!since(22, 1)) return "21.2";
  return name === RECORDED_VERSIONS["22.1"] ? "22.1" : "later";
}

function failure(
  versions: Readonly<Partial<Record<VersionGroup, Failure>>>,
  group: VersionGroup,
  values: Readonly<Record<string, string>>,
): SqlError {
  const groups = GROUPS.slice(0, GROUPS.indexOf(group) + 1).toReversed();
  const found = groups.map((candidate) => versions[candidate]).find((candidate) => candidate !== undefined) ??
    Object.values(versions)[0]!;
  const [code, text, origin] = found;
  return new SqlError(code, text.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? ""), origin);
}
