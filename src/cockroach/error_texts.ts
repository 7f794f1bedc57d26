import { type FailureKind, type Verdict, verdictOf } from "../failure_kinds.ts";

/** What CockroachDB puts before the failure itself. */
const WRAPPER =
  /^(?:(?:failed to resolve targets in the CHANGEFEED stmt|could not create changefeed|retryable changefeed error|ran out of retries|AS OF SYSTEM TIME|internal error): |(?:fetching|decoding|buffering) changes for (?:"(?:[^"\\]|\\.)*"|[^\s"])+: |\S+\.go:\d+: )/;

const NO_FAMILIES =
  "this version cannot watch a table with several column families; upgrade to v22.1 or later, or put the table's columns in one family";
const FAMILIES =
  "the table has several column families: name one, as in --table 'orders FAMILY f', or give --changefeed-option split_column_families for all; both need v22.1";
const NOT_A_TABLE =
  "only tables have changefeeds: name the tables behind it in --table, or select from them with --query";
const BOTH_PRIVILEGES =
  "this version wants both: ALTER USER … WITH CONTROLCHANGEFEED, and GRANT SELECT on each table; `check` shows them in full";

/**
 * Failures with a text of their own, as a whole or from its beginning, so that no name in it can make another of them. The
 * wrapper is cut off before. Names of users have no spaces. Recordings are those of v21.2 and v22.1 or, where their names begin with error-, of 2020.
 */
const WHOLE: readonly FailureKind[] = [
  [/^rangefeeds require the kv\.rangefeed\.enabled setting/, "RangefeedDisabled"], // error-rangefeed-disabled
  // Views and so on: changefeedbase/validate.go, recordings views_and_sequences.
  [/^CHANGEFEED cannot target views: /, "TableUnsupported", NOT_A_TABLE],
  [/^CHANGEFEED cannot target (?:virtual tables|sequences): /, "TableUnsupported"],
  [/^CHANGEFEEDs are not supported on system tables/, "TableUnsupported"],
  [/^CHANGEFEED cannot target offline table: /, "TableOffline"],
  [/^(?:relation|table) ".*" is offline(?:: |$)/, "TableOffline"], // catalog/descriptor.go of v22.1
  [
    /^CHANGEFEED cannot target REGIONAL BY ROW tables: /, // changefeedbase/validate.go of v21.2 and v22.1-alpha
    "TableUnsupported",
    "this version of CockroachDB has no changefeeds of REGIONAL BY ROW tables; upgrade it, or remove the table from --table",
  ],
  [/^CHANGEFEED cannot target /, "OptionRejected"],
  [
    /^CHANGEFEEDs are currently supported on tables with exactly 1 column family: /,
    "TableUnsupported",
    NO_FAMILIES,
  ],
  [
    /^CHANGEFEED targeting a table \(.*\) with multiple column families requires /,
    "OptionRejected",
    FAMILIES,
  ],
  [/^CHANGEFEED created on a table with a single column family \(/, "OptionRejected", FAMILIES],
  [
    /^CHANGEFEED targeting nonexistent or removed column family /,
    "TableMissing",
    "check the column family behind FAMILY in --table",
  ],
  [
    /^unsupported schema change .* detected at /, // kvfeed/kv_feed.go of v22.1-alpha: SET REGIONAL BY ROW
    "SchemaChanged",
    "this version of CockroachDB cannot follow the table through that change; upgrade it, or run `cursor delete` and start anew",
  ],
  [
    /^".*" was dropped or truncated$/, // error-table-dropped, error-table-truncated: one text for both
    "TableDropped",
    "if the table was truncated, no deletions were sent: tell the consumers, run `cursor delete` and start anew",
  ],
  [/^".*" was truncated$/, "TableTruncated"], // truncated
  [/^".*" was dropped$/, "TableDropped"], // dropped, database_dropped
  [
    /^".*" was renamed to ".*"$/, // versions of 2020 end the feed, and no session gets past the renaming
    "TableMissing",
    "give --table the new name and --feed the name of this feed, after `cursor set` to a time behind the renaming, or `cursor delete`",
  ],
  [/^(?:CHANGEFEED targets TABLE .*: )?descriptor is being dropped$/, "TableDropped"],
  [
    /^(?:batch timestamp \S+ must be after replica GC threshold|cursor \S+ is older than the GC threshold) /,
    "CursorExpired",
  ],
  [/^supplied backups do not cover requested time/, "TableNotAtCursor"],
  [/^do the targets exist at the specified cursor time/, "TableNotAtCursor"],
  [/^(?:table|relation|database|schema) ".*" does not exist$/, "TableMissing"], // error-no-such-table, missing_database
  [
    /^no database or schema specified$/, // missing_database: CREATE TABLE where the database is missing
    "TableMissing",
    "check the database in DATABASE_URL, and in CURSOR_DATABASE_URL if you give it: there is none of that name",
  ],
  [/^Access to crdb_internal and system is restricted/, "InternalsRefused"], // 42501, sqlerrors/errors.go of v25.4
  // Privileges: error-privilege of v20.2, privileges of v21.2 and v22.1, changefeedccl/authorization.go of v22.2 and later.
  [
    /^only users with the admin role are allowed to CREATE CHANGEFEED/,
    "SourceDenied",
    "this version wants the role admin of a user with a changefeed; `check` shows the statement",
  ],
  [
    /^(?:permission denied to create changefeed|current user must have a role WITH CONTROLCHANGEFEED)$/,
    "SourceDenied",
    BOTH_PRIVILEGES,
  ],
  [
    /^user \S+ (?:with CONTROLCHANGEFEED role option )?requires? the (?:SELECT|CHANGEFEED) privilege on all target tables/,
    "SourceDenied",
    "GRANT SELECT on each table, or CHANGEFEED where that is what it asks for; `check` shows the statement in full",
  ],
  [/^user \S+ (?:does not have \w+ privilege|has no privileges) on /, "SourceDenied"],
  [
    /^cannot specify timestamp in the future/, // error-cursor-in-future, cursors
    "ConfigInvalid",
    "the cursor is from another cluster or a restored one; run `cursor set` or `cursor delete`",
  ],
  [
    /^(?:value is neither timestamp, decimal, nor interval|zero timestamp is invalid)/, // error-cursor-malformed, cursors
    "ConfigInvalid",
    "the cursor is malformed; run `cursor set` or `cursor delete`",
  ],
  // Options: error-bad-option, bad_options; the others are of changefeed_stmt.go and encoder.go of v21.2 and v22.1, and of
  // changefeedbase/options.go of later ones.
  [/^invalid option "/, "OptionRejected"],
  [/^time: (?:invalid|unknown|missing) /, "OptionRejected"],
  [/^option "\w+" (?:does not take|requires|is|cannot|must) /, "OptionRejected"],
  [/^(?:WITH option \w+|\w+) is (?:only usable with|not supported with|required for) /, "OptionRejected"],
  [/^\w+=\S+ is not supported with /, "OptionRejected"],
  [/^(?:unknown \w+: |problem parsing option |envelope=)/, "OptionRejected"],
  [/^cannot specify both /, "OptionRejected"],
  [/^negative durations are not accepted: /, "OptionRejected"],
  [/^unrecognized option value: /, "OptionRejected"],
  [
    /^event size \d+ exceeds per changefeed limit /, // kvevent/alloc of v22.1
    "Unknown",
    "a row is larger than CockroachDB lets a changefeed take: raise the cluster setting changefeed.memory.per_changefeed_limit",
  ],
  [
    /^(?:node is running secure mode, )?SSL connection required/, // 08P01, ErrSSLRequired of pgwire/server.go
    "SourceDenied",
    "the cluster wants TLS: set sslmode=verify-full and sslrootcert in DATABASE_URL",
  ],
  [
    /^(?:no client certificates in request|no TLS peer certificates|requested user is \S+, but certificate is for )/, // pgwire's auth_methods.go
    "SourceDenied",
    "name the user's own certificate in DATABASE_URL: sslcert and sslkey, or give a password",
  ],
];

/**
 * Failures that stand anywhere in a text, since they come through several parts of CockroachDB: they heal. What
 * `IsRetryableError` and its successors try again (changefeedbase/errors.go, utilccl/errors.go of v21.2 and v22.1; from v22.2 on
 * they try everything again that is not marked terminal), and what KV says while a node or a range is away
 * (roachpb/errors.go, kvcoord/dist_sender.go, grpcutil, nodedialer). Looked for outside of quotes.
 */
const TRANSIENT: readonly FailureKind[] = [
  [
    /^restart transaction\b|\bTransaction(?:Retry|Aborted)\w*Error\b|\bresult is ambiguous\b/,
    "SerializationConflict",
  ],
  [
    /\bReadWithinUncertaintyIntervalError\b|\bWriteTooOldError\b|\bconflicting locks\b/,
    "SerializationConflict",
  ],
  [
    new RegExp([
      "\\brpc error\\b",
      "\\bfailed to send RPC\\b",
      "\\bsending to all replicas failed\\b",
      "\\bnode unavailable; try another peer\\b",
      "\\bnot using n\\d+ since it is not available\\b",
      "\\bcontext (?:canceled|deadline exceeded)\\b",
      "\\bno inbound stream connection\\b",
      "\\binbox communication error\\b",
      "\\bcommunication error: ",
      "\\bbreaker (?:is )?open\\b",
      "\\bunable to dial n\\d+\\b",
      "\\b(?:failed to connect to|initial connection heartbeat failed)\\b",
      "\\bconnection (?:refused|reset by peer)$",
      "\\b(?:range|replica) unavailable\\b",
      "\\blost quorum\\b",
      "\\bNotLeaseHolderError\\b",
      "\\bcannot acquire lease\\b",
      "\\br\\d+ was not found\\b",
      "\\bstore \\d+ was not found\\b",
      "\\bretry rangefeed \\(REASON_",
      "\\boperation \\S+ timed out after ",
      "\\bmemory budget exceeded\\b",
      "\\bnode is (?:draining|not accepting clients)\\b",
      "\\bliveness\\b.*\\bexpired\\b",
    ].join("|")),
    "SourceDegraded",
  ],
];

const RETRYABLE = /^retryable changefeed error: /;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;

/** What a text of CockroachDB says; `undefined` where it is not known. */
export function kindOfText(text: string): Verdict | undefined {
  return verdictOf(WHOLE, unwrapped(text)) ?? verdictOf(TRANSIENT, text.replace(QUOTED, '""')) ??
    (RETRYABLE.test(text) ? ["SourceDegraded"] : undefined);
}

/** The failure itself. */
export function unwrapped(text: string): string {
  const [wrapper = ""] = WRAPPER.exec(text) ?? [];
  return wrapper === "" ? text : unwrapped(text.slice(wrapper.length));
}

/** Keys of rows, as KV prints them behind a table and an index: `/Table/104/1/"alice"/0`, `/Table/104/1/{"a"-"b"}`. */
const ROW_KEYS = /(\/Table\/\d+\/\d+)\/(?:"(?:[^"\\]|\\.)*"|[^\s":,\])])+/g;

/** The text without the keys of rows (G9). */
export function withoutRowKeys(text: string): string {
  return text.replace(ROW_KEYS, "$1/…");
}
