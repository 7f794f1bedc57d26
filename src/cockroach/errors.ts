import { AgentError, type ErrorKind } from "../errors.ts";

/** SQLSTATEs that mean one thing; see https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const SQLSTATE: Readonly<Record<string, ErrorKind>> = {
  "57P01": "SourceDraining", // admin shutdown: recording error-server-drain
  "57014": "SourceDraining", // query cancelled: recordings error-cancel-query, error-cancel-session
  "57P03": "SourceUnreachable", // cannot connect now
  // `schema change occurred at …`, behind a resolved timestamp that holds everything before it: recordings
  // change_primary_key of v21.2 and v22.1. Where nobody asked for schema_change_policy=stop, only a changed primary key does
  // this (kvfeed/kv_feed.go of v22.1).
  "55C01": "PrimaryKeyChanged",
  "53300": "SourceUnreachable", // too many connections
  "40001": "SerializationConflict",
  "40003": "SerializationConflict", // the result of a commit is ambiguous
  "42501": "SourceDenied", // recording error-privilege
  "42P01": "TableMissing",
  "3D000": "TableMissing", // database does not exist
  "3F000": "TableMissing", // cannot create a table "because the target database or schema does not exist"
  "42601": "OptionRejected", // syntax error
  "22023": "OptionRejected", // invalid parameter value
};

/**
 * Most changefeed failures have SQLSTATE XXUUU or none, so their text decides. Texts of 2020 are from the recordings
 * named beside them; the others are of v22 to v26.
 */
const TEXTS: readonly (readonly [RegExp, ErrorKind, string?])[] = [
  [/kv\.rangefeed\.enabled/, "RangefeedDisabled"], // error-rangefeed-disabled
  [/^Access to crdb_internal and system is restricted/, "InternalsRefused"], // 42501, sqlerrors/errors.go of v25.4
  [/must be after replica GC threshold/, "CursorExpired"], // error-cursor-past-gc
  [/is older than the GC threshold/, "CursorExpired"],
  [
    /was dropped or truncated/, // error-table-dropped, error-table-truncated: one text for both
    "TableDropped",
    "if the table was truncated, no deletions were sent: tell the consumers, run `cursor delete` and start anew",
  ],
  [/was truncated/, "TableTruncated"],
  [
    /was renamed to/, // versions of 2020 end the feed
    "TableMissing",
    "give --table the new name, and --feed the name that this feed had, which keeps its cursor",
  ],
  [/was dropped|descriptor is being dropped/, "TableDropped"],
  [/supplied backups do not cover requested time/, "TableNotAtCursor"],
  [/do the targets exist at the specified cursor time/, "TableNotAtCursor"],
  [
    /multiple column families|exactly 1 column family|with a single column family/,
    "OptionRejected",
    "the table has several column families: name one, as in --table 'orders FAMILY f', or give --changefeed-option split_column_families for all; both need v22.1",
  ],
  [
    /nonexistent or removed column family/,
    "TableMissing",
    "check the column family behind FAMILY in --table",
  ],
  [/table ".*" does not exist|database ".*" does not exist/, "TableMissing"], // error-no-such-table, error-no-such-database
  [/only users with the admin role are allowed to CREATE CHANGEFEED/, "SourceDenied"], // error-privilege
  [/requires? the (SELECT|CHANGEFEED) privilege|does not have \w+ privilege/, "SourceDenied"],
  [
    /cannot specify timestamp in the future/, // error-cursor-in-future
    "ConfigInvalid",
    "the cursor is from another cluster or a restored one; run `cursor set` or `cursor delete`",
  ],
  [
    /value is neither timestamp, decimal, nor interval/, // error-cursor-malformed
    "ConfigInvalid",
    "the cursor is malformed; run `cursor set` or `cursor delete`",
  ],
  [
    /invalid option|invalid duration|unknown envelope|unknown .*option|option .* (is|requires|cannot)|cannot specify both/,
    "OptionRejected",
  ], // error-bad-option
  [
    /unsupported schema change .* detected at/, // kvfeed/kv_feed.go of a master of 2022-02: SET REGIONAL BY ROW
    "SchemaChanged",
    "this version of CockroachDB cannot follow the table through that change; upgrade it, or run `cursor delete` and start anew",
  ],
  [
    /cannot target REGIONAL BY ROW tables/, // changefeedbase/validate.go of the same
    "OptionRejected",
    "this version of CockroachDB has no changefeeds of REGIONAL BY ROW tables; upgrade it, or remove the table from --table",
  ],
  [/restart transaction/, "SerializationConflict"],
  [
    /SSL connection required/, // 08P01, ErrSSLRequired of pgwire/server.go
    "SourceDenied",
    "the cluster wants TLS: set sslmode=verify-full and sslrootcert in DATABASE_URL",
  ],
  [
    /does not support SSL/, // pg's own text
    "SourceDenied",
    "the cluster has no TLS: set sslmode=disable in DATABASE_URL, if that is what you want",
  ],
  [
    /client certificates in request|TLS peer certificates|but certificate is for/, // pgwire's auth_methods.go
    "SourceDenied",
    "name the user's own certificate in DATABASE_URL: sslcert and sslkey, or give a password",
  ],
];

/** `a > b` in seconds, with nanoseconds and a logical part: recordings error-cursor-in-future, cursors. */
const IN_THE_FUTURE = /timestamp in the future \((\d+\.\d{9}),\d+\?? > (\d+\.\d{9}),\d+\??\)/;
/**
 * In seconds. T0 is one node's time, and the feed may be opened at another whose clock is behind: by --max-offset at most, or it
 * ends itself. That is 500 ms unless it was raised; and what is so near in the future will soon be past.
 */
const NEAR = 5;

/** What Node.js calls failures of name resolution, TCP and TLS. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|EPROTO)$/;
const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_SSL|^ERR_TLS/;
const TLS_HINT =
  "check sslmode and sslrootcert in DATABASE_URL, the certificate's names and dates, and sslcert with sslkey if you give them";
const CERTIFICATE = /certificate|SSL connection/i;
const DISCONNECTED = /Connection terminated|timeout expired|Query read timeout|socket|is not queryable/i;

/**
 * Names a failure of CockroachDB or of the way to it. The text of the failure is kept; it holds names and settings,
 * never row data.
 *
 * @param attempted what was attempted, with the offending value in quotes: `Cannot open the changefeed for "foo"`
 */
export function classifySourceError(cause: unknown, attempted: string): AgentError {
  if (cause instanceof AgentError) return cause;
  const { code, message } = describe(cause);
  const [kind, hint] = kindOf(code, message);
  const text = `${attempted}: ${message}${code === undefined ? "" : ` (${code})`}`;
  return new AgentError(kind, text, hint === undefined ? { cause } : { cause, hint });
}

/** SQLSTATE or system code of a failure, `undefined` when it has none. */
export function errorCode(cause: unknown): string | undefined {
  return describe(cause).code;
}

/** True when the failure is that a table is missing; tables of the program's own are created then. */
export function isUndefinedTable(error: AgentError): boolean {
  return errorCode(error.cause) === "42P01";
}

function describe(cause: unknown): { code: string | undefined; message: string } {
  if (!(cause instanceof Error)) return { code: undefined, message: String(cause) };
  // A connection refused on every address of a name arrives as an AggregateError with an empty text.
  if (cause instanceof AggregateError && cause.message === "") return describe(cause.errors[0]);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  return { code, message: cause.message || cause.name };
}

function kindOf(code: string | undefined, message: string): [ErrorKind, string?] {
  const [, cursor, now] = IN_THE_FUTURE.exec(message) ?? [];
  if (Number(cursor) - Number(now) < NEAR) return ["CursorAhead"];
  for (const [text, kind, hint] of TEXTS) {
    if (text.test(message)) {
      return hint === undefined ? [kind] : [kind, hint];
    }
  }
  if (code !== undefined) {
    const known = SQLSTATE[code];
    if (known !== undefined) return [known];
    if (code.startsWith("28")) return ["SourceDenied"];
    if (code.startsWith("08") || UNREACHABLE.test(code)) return ["SourceUnreachable"];
    if (/^(ENOENT|EACCES|EISDIR)$/.test(code)) {
      return ["ConfigInvalid", "check the paths in sslrootcert, sslcert and sslkey of DATABASE_URL"];
    }
    if (TLS_CODE.test(code)) return ["SourceDenied", TLS_HINT];
  }
  if (CERTIFICATE.test(message)) return ["SourceDenied", TLS_HINT];
  if (DISCONNECTED.test(message)) return ["SourceUnreachable"];
  return ["Unknown"];
}
