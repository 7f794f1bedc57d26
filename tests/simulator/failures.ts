import { type Origin, UNCATEGORIZED } from "./sql_error.ts";

/** Versions that differ; a version has the failures of its own group or, where there are none, of the one before. */
export const GROUPS = ["20.2", "21.2", "22.1", "later"] as const;

/** `later` is from documentation and CockroachDB's own tests, the others are recorded. */
export type VersionGroup = typeof GROUPS[number];

/** SQLSTATE, text with `{names}` in it, and where in CockroachDB's source it was made. */
export type Failure = readonly [code: string, message: string, origin?: Origin];

const RESOLVE = "failed to resolve targets in the CHANGEFEED stmt: ";
const SCANS = "cannot specify both initial_scan and no_initial_scan";
const ONE_FAMILY =
  "CHANGEFEEDs are currently supported on tables with exactly 1 column family: {table} has {count}";
const SETTING = "only users with the admin role are allowed to show cluster setting '{setting}'";
const SETTING_PRIVILEGES =
  "only users with MODIFYCLUSTERSETTING, MODIFYSQLCLUSTERSETTING or VIEWCLUSTERSETTING privileges are allowed to SHOW CLUSTER SETTING";
const UNRESOLVED = `${RESOLVE}table "{table}" does not exist`;

/** An error that has the same text in every recorded version, made at these lines. */
function same(
  code: string,
  message: string,
  origins: Readonly<Partial<Record<VersionGroup, Origin>>>,
): Partial<Record<VersionGroup, Failure>> {
  return Object.fromEntries(
    Object.entries({ "20.2": undefined, ...origins }).map(([group, origin]) =>
      [group, origin === undefined ? [code, message] : [code, message, origin]] as const
    ),
  );
}

function lines(
  file: string,
  routine: string,
  line: Readonly<Partial<Record<VersionGroup, string>>>,
): Readonly<Partial<Record<VersionGroup, Origin>>> {
  return Object.fromEntries(
    Object.entries(line).map(([group, number]) => [group, [file, number, routine] as const]),
  );
}

/** How each version says that something is wrong. */
export const FAILURES = {
  missingTable: {
    "20.2": [UNCATEGORIZED, 'table "{table}" does not exist', [
      "targets.go",
      "267",
      "descriptorsMatchingTargets",
    ]],
    "21.2": [UNCATEGORIZED, UNRESOLVED, ["targets.go", "356", "DescriptorsMatchingTargets"]],
    "22.1": [UNCATEGORIZED, UNRESOLVED, ["changefeed_stmt.go", "466", "getTableDescriptors"]],
  },
  /** Before v22.1 a table of a missing database is a missing table. */
  missingFeedDatabase: {
    "22.1": ["3D000", `${RESOLVE}database "{database}" does not exist`, [
      "errors.go",
      "129",
      "NewUndefinedDatabaseError",
    ]],
  },
  missingDatabase: {
    "20.2": ["3D000", 'database "{database}" does not exist'],
    "22.1": ["3D000", 'database "{database}" does not exist', [
      "errors.go",
      "129",
      "NewUndefinedDatabaseError",
    ]],
  },
  noSchema: {
    "20.2": ["3F000", 'cannot create "{table}" because the target database or schema does not exist'],
    "21.2": ["42602", "no database or schema specified", ["opt_catalog.go", "177", "ResolveSchema"]],
    "22.1": ["42602", "no database or schema specified", ["opt_catalog.go", "178", "ResolveSchema"]],
  },
  missingRelation: {
    "20.2": ["42P01", 'relation "{table}" does not exist'],
    "21.2": ["42P01", 'relation "{table}" does not exist', ["errors.go", "121", "NewUndefinedRelationError"]],
    "22.1": ["42P01", 'relation "{table}" does not exist'],
  },
  view: same(UNCATEGORIZED, "CHANGEFEED cannot target views: {table}", {
    ...lines("validate.go", "ValidateTable", { "21.2": "34", "22.1": "33" }),
  }),
  sequence: same(UNCATEGORIZED, "CHANGEFEED cannot target sequences: {table}", {
    ...lines("validate.go", "ValidateTable", { "21.2": "40", "22.1": "39" }),
  }),
  systemTable: same(UNCATEGORIZED, "CHANGEFEEDs are not supported on system tables", {
    ...lines("validate.go", "ValidateTable", { "21.2": "31", "22.1": "30" }),
  }),
  manyFamilies: same(UNCATEGORIZED, ONE_FAMILY, {
    ...lines("validate.go", "ValidateTable", { "21.2": "46", "22.1": "42" }),
  }),
  dropped: {
    "20.2": [UNCATEGORIZED, '"{table}" was dropped or truncated', ["validate.go", "49", "ValidateTable"]],
    "21.2": [UNCATEGORIZED, '"{table}" was dropped', ["validate.go", "52", "ValidateTable"]],
    "22.1": [UNCATEGORIZED, '"{table}" was dropped', ["validate.go", "48", "ValidateTable"]],
    later: [UNCATEGORIZED, '"{database}.{schema}.{table}" was dropped'],
  },
  truncated: {
    "20.2": [UNCATEGORIZED, '"{table}" was dropped or truncated', ["validate.go", "49", "ValidateTable"]],
    "21.2": [UNCATEGORIZED, '"{table}" was truncated', ["table_event_filter.go", "106", "shouldFilter"]],
  },
  renamed: {
    "20.2": [UNCATEGORIZED, '"{table}" was renamed to "{to}"', ["validate.go", "49", "ValidateTable"]],
  },
  schemaChanged: same("55C01", "schema change occurred at {at}", {
    ...lines("changefeed_processors.go", "Next", { "21.2": "1151", "22.1": "1241" }),
  }),
  invalidOption: same(UNCATEGORIZED, 'invalid option "{option}"', {
    ...lines("planner.go", "TypeAsStringOpts", { "20.2": "611", "21.2": "679", "22.1": "716" }),
  }),
  optionNeedsValue: same(UNCATEGORIZED, 'option "{option}" requires a value', {
    ...lines("planner.go", "TypeAsStringOpts", { "20.2": "611", "21.2": "685", "22.1": "722" }),
  }),
  optionTakesNoValue: same(UNCATEGORIZED, 'option "{option}" does not take a value', {
    ...lines("planner.go", "TypeAsStringOpts", { "20.2": "611", "21.2": "690", "22.1": "727" }),
  }),
  bothScans: same(UNCATEGORIZED, SCANS, {
    ...lines("changefeed_stmt.go", "validateDetails", { "21.2": "494", "22.1": "648" }),
  }),
  unknownEnvelope: same(UNCATEGORIZED, "unknown envelope: {value}", {
    ...lines("changefeed_stmt.go", "validateDetails", { "21.2": "509", "22.1": "663" }),
  }),
  unknownFormat: same(UNCATEGORIZED, "unknown format: {value}", {
    ...lines("changefeed_stmt.go", "validateDetails", { "21.2": "521", "22.1": "675" }),
  }),
  syntax: same("42601", 'at or near "{near}": syntax error', {
    ...lines("lexer.go", "Error", { "21.2": "215", "22.1": "246" }),
  }),
  zeroCursor: same(UNCATEGORIZED, "AS OF SYSTEM TIME: zero timestamp is invalid", {
    ...lines("as_of.go", "DatumToHLC", { "21.2": "160", "22.1": "275" }),
  }),
  unreadableCursor: same(
    UNCATEGORIZED,
    "AS OF SYSTEM TIME: value is neither timestamp, decimal, nor interval",
    lines("as_of.go", "DatumToHLC", { "20.2": "110", "21.2": "139", "22.1": "254" }),
  ),
  futureCursor: same(
    UNCATEGORIZED,
    "AS OF SYSTEM TIME: cannot specify timestamp in the future ({cursor} > {now})",
    lines("exec_util.go", "EvalAsOfTimestamp", { "20.2": "1066", "21.2": "1268", "22.1": "1732" }),
  ),
  collected: {
    "20.2": [UNCATEGORIZED, "batch timestamp {cursor} must be after replica GC threshold {threshold}"],
    later: [
      UNCATEGORIZED,
      "could not create changefeed: cursor {hlc} is older than the GC threshold {wall}: " +
      "batch timestamp {cursor} must be after replica GC threshold {threshold}",
    ],
  },
  feedDenied: {
    "20.2": ["42501", "only users with the admin role are allowed to CREATE CHANGEFEED", [
      "authorization.go",
      "207",
      "RequireAdminRole",
    ]],
    "21.2": ["42501", "permission denied to create changefeed", ["changefeed_stmt.go", "137", "func2"]],
    "22.1": ["42501", "current user must have a role WITH CONTROLCHANGEFEED", [
      "changefeed_stmt.go",
      "429",
      "validateSettings",
    ]],
  },
  feedTableDenied: {
    "20.2": ["42501", "user {user} does not have SELECT privilege on relation {table}"],
    later: [
      "42501",
      'user "{user}" requires the SELECT privilege on all target tables to be able to run a core changefeed',
    ],
  },
  denied: same("42501", "user {user} does not have {privilege} privilege on {object}", {
    ...lines("authorization.go", "CheckPrivilegeForUser", { "21.2": "131", "22.1": "145" }),
  }),
  nothingGranted: same("42501", "user {user} has no privileges on relation {table}", {
    ...lines("authorization.go", "CheckAnyPrivilege", { "21.2": "237", "22.1": "297" }),
  }),
  settingDenied: {
    "20.2": ["42501", "only users with the admin role are allowed to SHOW CLUSTER SETTING"],
    "21.2": ["42501", SETTING, ["authorization.go", "292", "RequireAdminRole"]],
    "22.1": ["42501", SETTING, ["authorization.go", "352", "RequireAdminRole"]],
    later: ["42501", SETTING_PRIVILEGES],
  },
  publicSchema: {
    "20.2": ["3F000", 'cannot change privileges on schema "public"'],
  },
  /** A notice: the table is there already. */
  exists: same("00000", 'relation "{table}" already exists, skipping', {
    ...lines("create_table.go", "startExec", { "21.2": "246", "22.1": "295" }),
  }),
  cancelled: same("57014", "query execution canceled", {
    "20.2": ["errors.go", "211", "init"],
    "21.2": ["cancel_checker.go", "74", "init"],
    "22.1": ["cancel_checker.go", "67", "init"],
  }),
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<VersionGroup, Failure>>>>>;
