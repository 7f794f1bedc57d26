import assert from "node:assert/strict";
import { classifySourceError, errorCode } from "../../../src/cockroach/errors.ts";
import { type Action, AgentError, type ErrorKind } from "../../../src/errors.ts";

/** A failure as pg gives it: a text, and a SQLSTATE or system code. */
function failure(message: string, code?: string): Error {
  return code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
}

/** Where it was seen, SQLSTATE, text, kind. The recordings' rows are v20.2-alpha's; the rest is as named. */
const SERVER: readonly (readonly [string, string | undefined, string, ErrorKind])[] = [
  ["error-bad-option", "XXUUU", 'time: invalid duration "ten seconds"', "OptionRejected"],
  ["error-bad-option", "XXUUU", 'invalid option "nonsense"', "OptionRejected"],
  ["v20", "XXUUU", "unknown envelope: bare", "OptionRejected"],
  [
    "error-cancel-query, error-cancel-session, error-server-drain",
    "57014",
    "query execution canceled",
    "SourceDraining",
  ],
  ["error-server-drain", "57P01", "server is shutting down", "SourceDraining"],
  ["error-cursor-before-table", "XXUUU", 'table "late" does not exist', "TableMissing"],
  ["error-no-such-database", "XXUUU", 'table "foo" does not exist', "TableMissing"],
  ["error-no-such-table", "XXUUU", 'table "nope" does not exist', "TableMissing"],
  [
    "error-cursor-in-future",
    "XXUUU",
    "AS OF SYSTEM TIME: cannot specify timestamp in the future (1795330792.400000000,0 > 1795327192.404503649,0)",
    "ConfigInvalid",
  ],
  [
    "error-cursor-malformed",
    "XXUUU",
    "AS OF SYSTEM TIME: value is neither timestamp, decimal, nor interval",
    "ConfigInvalid",
  ],
  [
    "error-cursor-past-gc",
    "XXUUU",
    "batch timestamp 1795327193.515693595,0 must be after replica GC threshold 1795327199.684518142,0",
    "CursorExpired",
  ],
  [
    "error-privilege",
    "42501",
    "only users with the admin role are allowed to CREATE CHANGEFEED",
    "SourceDenied",
  ],
  [
    "error-rangefeed-disabled",
    "XXUUU",
    "kv/kvserver/replica_rangefeed.go:134: rangefeeds require the kv.rangefeed.enabled setting. See " +
    "https://www.cockroachlabs.com/docs/v20.2/change-data-capture.html#enable-rangefeeds-to-reduce-latency",
    "RangefeedDisabled",
  ],
  [
    "v22 and later",
    "XXUUU",
    "CHANGEFEED targeting a table (t) with multiple column families requires WITH split_column_families and will " +
    "emit multiple events per row.",
    "OptionRejected",
  ],
  [
    "v22 and later",
    "XXUUU",
    "CHANGEFEED created on a table with a single column family (t) cannot now target a table with 2 families.",
    "OptionRejected",
  ],
  [
    "versions of 2020",
    "XXUUU",
    "CHANGEFEEDs are currently supported on tables with exactly 1 column family: t has 2",
    "TableUnsupported",
  ],
  [
    "v22 and later",
    "XXUUU",
    "CHANGEFEED targeting nonexistent or removed column family f of table t",
    "TableMissing",
  ],
  [
    "master of 2022-02",
    "XXUUU",
    "unsupported schema change SET REGIONAL BY ROW detected at 1795327193515693595.0000000000",
    "SchemaChanged",
  ],
  ["master of 2022-02", "XXUUU", "CHANGEFEED cannot target REGIONAL BY ROW tables: t", "TableUnsupported"],
  ["error-table-dropped", "XXUUU", '"dr" was dropped or truncated', "TableDropped"],
  ["error-table-truncated", "XXUUU", '"tr" was dropped or truncated', "TableDropped"],
  ["v22 and later", "XXUUU", '"tr" was truncated', "TableTruncated"],
  ["versions of 2020", "XXUUU", '"rn" was renamed to "rn2"', "TableMissing"],
  ["v22 and later", "XXUUU", '"defaultdb.public.dr" was dropped', "TableDropped"],
  ["v22 and later", "XXUUU", "CHANGEFEED targets TABLE dr: descriptor is being dropped", "TableDropped"],
  [
    "v25",
    "XXUUU",
    "could not create changefeed: cursor 1795327193515693595.0000000000 is older than the GC threshold 1795327199684518142",
    "CursorExpired",
  ],
  [
    "v22",
    "XXUUU",
    "failed to resolve targets in the CHANGEFEED stmt: batch timestamp 1.5,0 must be after replica GC threshold 2.5,0",
    "CursorExpired",
  ],
  [
    "v22",
    "42501",
    "user alice requires the SELECT privilege on all target tables to be able to run a core changefeed",
    "SourceDenied",
  ],
  ["v22", "42501", 'user "alice" does not have SELECT privilege on relation foo', "SourceDenied"],
  ["v23", undefined, 'user "alice" requires the CHANGEFEED privilege on all target tables', "SourceDenied"],
  ["v21", "XXUUU", "supplied backups do not cover requested time", "TableNotAtCursor"],
  [
    "v22",
    "XXUUU",
    "failed to resolve targets in the CHANGEFEED stmt: do the targets exist at the specified cursor time 1.0000000000?",
    "TableNotAtCursor",
  ],
  [
    "v22",
    "42P01",
    'failed to resolve targets in the CHANGEFEED stmt: table "nope" does not exist',
    "TableMissing",
  ],
  ["v22", "42P01", 'relation "cursor_store" does not exist', "TableMissing"],
  ["v22", "3D000", 'database "nope" does not exist', "TableMissing"],
  [
    "v20",
    "3F000",
    'cannot create "t" because the target database or schema does not exist',
    "TableMissing",
  ],
  ["v22", "42601", 'at or near "foo": syntax error', "OptionRejected"],
  ["v22", "22023", 'invalid value for parameter "resolved"', "OptionRejected"],
  [
    "v22",
    "40001",
    "restart transaction: TransactionRetryWithProtoRefreshError: WriteTooOldError",
    "SerializationConflict",
  ],
  [
    "v22",
    "40003",
    "result is ambiguous: unable to determine whether command was applied",
    "SerializationConflict",
  ],
  [
    "v22",
    "XXUUU",
    "restart transaction: ReadWithinUncertaintyIntervalError: read at time 1.0 encountered previous write",
    "SerializationConflict",
  ],
  ["v22", "57P03", "node is not accepting clients", "SourceUnreachable"],
  ["v22", "53300", "sorry, too many clients already", "SourceDegraded"],
  ["v26", "08P01", "node is running secure mode, SSL connection required", "SourceDenied"],
  ["v20", "XXUUU", "no client certificates in request", "SourceDenied"],
  ["v22", "08006", "connection failure", "SourceUnreachable"],
  ["v22", "08004", "server rejected the connection", "SourceUnreachable"],
  ["v22", "28000", 'certificate authentication failed for user "alice"', "SourceDenied"],
  ["v22", "28P01", "password authentication failed for user alice", "SourceDenied"],
  ["v22", "XXUUU", "internal error: something nobody has seen", "Unknown"],
  ["v22", "XXUUU", "ReadWithinUncertaintyIntervalError: read at time 1.0", "SerializationConflict"],
];

for (const [seen, code, message, kind] of SERVER) {
  Deno.test(`classifySourceError() calls "${message.slice(0, 60)}" (${code}, ${seen}) ${kind}`, () => {
    assert.equal(classifySourceError(failure(message, code), "Cannot read").kind, kind);
  });
}

const TRANSPORT: readonly (readonly [string, string | undefined, ErrorKind])[] = [
  ["connect ECONNREFUSED 127.0.0.1:26257", "ECONNREFUSED", "SourceUnreachable"],
  ["read ECONNRESET", "ECONNRESET", "SourceUnreachable"],
  ["write EPIPE", "EPIPE", "SourceUnreachable"],
  ["connect ETIMEDOUT 10.0.0.1:26257", "ETIMEDOUT", "SourceUnreachable"],
  ["connect EHOSTUNREACH 10.0.0.1:26257", "EHOSTUNREACH", "SourceUnreachable"],
  ["connect ENETUNREACH 10.0.0.1:26257", "ENETUNREACH", "SourceUnreachable"],
  ["getaddrinfo ENOTFOUND crdb", "ENOTFOUND", "SourceUnreachable"],
  ["getaddrinfo EAI_AGAIN crdb", "EAI_AGAIN", "SourceUnreachable"],
  // pg's own words
  ["Connection terminated", undefined, "SourceUnreachable"],
  ["Connection terminated unexpectedly", undefined, "SourceUnreachable"],
  ["Connection terminated due to connection timeout", undefined, "SourceUnreachable"],
  ["timeout expired", undefined, "SourceUnreachable"],
  ["Query read timeout", undefined, "SourceUnreachable"],
  ["Client has encountered a connection error and is not queryable", undefined, "SourceUnreachable"],
  ["Client was closed and is not queryable", undefined, "SourceUnreachable"],
  ["The server does not support SSL connections", undefined, "SourceDenied"],
  // TLS
  ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT", "SourceDenied"],
  ["self-signed certificate in certificate chain", "SELF_SIGNED_CERT_IN_CHAIN", "SourceDenied"],
  ["unable to verify the first certificate", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SourceDenied"],
  ["certificate has expired", "CERT_HAS_EXPIRED", "SourceDenied"],
  ["Hostname/IP does not match certificate's altnames", "ERR_TLS_CERT_ALTNAME_INVALID", "SourceDenied"],
  ["invalid peer certificate: UnknownIssuer", undefined, "SourceDenied"],
  ["received fatal alert: UnknownCA", "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "SourceDenied"],
  ["ENOENT: no such file or directory, open '/certs/ca.crt'", "ENOENT", "ConfigInvalid"],
];

for (const [message, code, kind] of TRANSPORT) {
  Deno.test(`classifySourceError() calls "${message}" ${kind}`, () => {
    assert.equal(classifySourceError(failure(message, code), "Cannot connect").kind, kind);
  });
}

Deno.test("classifySourceError() takes the first of several refused addresses for all of them", () => {
  const refused = failure("connect ECONNREFUSED ::1:26257", "ECONNREFUSED");
  const every = new AggregateError([
    refused,
    failure("connect ECONNREFUSED 127.0.0.1:26257", "ECONNREFUSED"),
  ]);
  const error = classifySourceError(every, 'Cannot connect to "localhost"');
  assert.equal(error.kind, "SourceUnreachable");
  assert.equal(error.message, 'Cannot connect to "localhost": connect ECONNREFUSED ::1:26257 (ECONNREFUSED)');
  assert.equal(error.cause, every);
});

Deno.test("classifySourceError() retries after a change of the primary key, and says what consumers see", () => {
  const ended = failure("schema change occurred at 1795327197232417336.0000000000", "55C01");
  const error = classifySourceError(ended, "The changefeed ended");
  assert.equal(error.kind, "PrimaryKeyChanged");
  assert.equal(error.action satisfies Action, "retry");
  assert.match(error.hint, /new keys; nothing deletes what consumers have under the old ones/);
});

Deno.test("classifySourceError() retries at a node whose clock is behind the cursor by a moment, and stops at hours", () => {
  const at = (seconds: string) => {
    const text =
      `AS OF SYSTEM TIME: cannot specify timestamp in the future (${seconds},0 > 1795327192.404503649,0)`;
    return classifySourceError(failure(text, "XXUUU"), "Cannot read the changefeed");
  };
  assert.equal(at("1795327192.404503650").kind, "CursorAhead");
  assert.equal(at("1795327192.904000000").kind, "CursorAhead");
  assert.equal(at("1795327192.904000000").action satisfies Action, "retry");
  assert.equal(at("1795327198.000000000").kind, "ConfigInvalid");
  assert.match(at("1795330792.400000000").hint, /cursor set/);
});

Deno.test("classifySourceError() says what was attempted, what came back and its code, and keeps the cause", () => {
  const cause = failure('table "nope" does not exist', "XXUUU");
  const error = classifySourceError(cause, 'Cannot open the changefeed for "nope"');
  assert.ok(error instanceof AgentError);
  assert.equal(error.message, 'Cannot open the changefeed for "nope": table "nope" does not exist (XXUUU)');
  assert.equal(error.cause, cause);
});

Deno.test("classifySourceError() leaves a classified failure as it is", () => {
  const known = new AgentError("SourceSilent", "Nothing came");
  assert.equal(classifySourceError(known, "Cannot read"), known);
});

Deno.test("classifySourceError() names what to do where the kind alone does not tell", () => {
  const hint = (message: string, code?: string) =>
    classifySourceError(failure(message, code), "Cannot read").hint;
  assert.match(hint('"tr" was dropped or truncated', "XXUUU"), /truncated, no deletions were sent/);
  assert.match(hint("cannot specify timestamp in the future", "XXUUU"), /another cluster/);
  assert.match(hint("value is neither timestamp, decimal, nor interval", "XXUUU"), /cursor is malformed/);
  assert.match(hint("self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"), /sslrootcert/);
  assert.match(hint("ENOENT: no such file", "ENOENT"), /sslrootcert/);
});

Deno.test("classifySourceError() takes anything thrown", () => {
  for (const thrown of [undefined, null, "text", 7, {}, new Error(""), new AggregateError([])]) {
    const error = classifySourceError(thrown, "Cannot read");
    assert.equal(error.kind, "Unknown");
    assert.ok(error.message.length > "Cannot read: ".length, error.message);
  }
});

Deno.test("errorCode() is the SQLSTATE or system code, if there is one", () => {
  assert.equal(errorCode(failure("x", "40001")), "40001");
  assert.equal(errorCode(failure("x")), undefined);
  assert.equal(errorCode(Object.assign(new Error("x"), { code: 7 })), undefined);
  assert.equal(errorCode("40001"), undefined);
});
