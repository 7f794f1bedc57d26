import { AgentError } from "../errors.ts";
import {
  type FailureKind,
  NETWORK_CODE,
  TLS_CODE,
  TLS_TEXT,
  type Verdict,
  verdictOf,
} from "../failure_kinds.ts";
import { kindOfText, unwrapped, withoutRowKeys } from "./error_texts.ts";
import { isVague, kindOfCode } from "./sqlstates.ts";

/** `a > b` in seconds, with nanoseconds and a logical part: recordings error-cursor-in-future, cursors. */
const IN_THE_FUTURE = /^cannot specify timestamp in the future \((\d+\.\d{9}),\d+\?? > (\d+\.\d{9}),\d+\??\)/;
/**
 * In seconds. T0 is one node's time, and the feed may be opened at another whose clock is behind: by --max-offset at most, or it
 * ends itself. That is 500 ms unless it was raised; and what is so near in the future will soon be past.
 */
const NEAR = 5;

/** CockroachDB's hint beside a database or table that does not exist: recordings cursors. */
const AT_CURSOR = /^do the targets exist at the specified cursor time/;
const AT_CURSOR_HINT =
  "check --table and the database in DATABASE_URL; if the table was made after the cursor, run `cursor delete` to start with a scan";

const TLS_HINT =
  "check sslmode and sslrootcert in DATABASE_URL, the certificate's names and dates, and sslcert with sslkey if you give them";

/** What failures of files and of the way to CockroachDB are called. */
const SYSTEM_CODES: readonly FailureKind[] = [
  [NETWORK_CODE, "SourceUnreachable"],
  [
    /^(?:ENOENT|EACCES|EISDIR)$/,
    "ConfigInvalid",
    "check the paths in sslrootcert, sslcert and sslkey of DATABASE_URL",
  ],
  [TLS_CODE, "SourceDenied", TLS_HINT],
];

/** What comes without any code: pg's own words (8.23), and those of the TLS of Deno (2.6 to 2.9). */
const LOCAL_TEXTS: readonly FailureKind[] = [
  [
    /^(?:Connection terminated\b|timeout expired$|Query read timeout$|socket hang up$|Client (?:has encountered a connection error|was closed) and is not queryable$|Socket is closed$|unexpected eof$|tls handshake eof$|peer closed connection without sending TLS close_notify\b)/i,
    "SourceUnreachable",
  ],
  [
    /^The server does not support SSL connections$/,
    "SourceDenied",
    "the cluster has no TLS: set sslmode=disable in DATABASE_URL, if that is what you want",
  ],
  [
    /^SASL: .*client password must be a/, // no password was given
    "SourceDenied",
    "the cluster asks for a password: give it in DATABASE_URL, or sslcert with sslkey",
  ],
  [/^SASL: /, "SourceDenied"],
  [/^There was an error establishing an SSL connection$/i, "SourceDenied", TLS_HINT],
  [TLS_TEXT, "SourceDenied", TLS_HINT],
];

/**
 * Names a failure of CockroachDB or of the way to it. The text of the failure is kept; it holds names and settings,
 * never row data.
 *
 * @param attempted what was attempted, with the offending value in quotes: `Cannot open the changefeed for "foo"`
 */
export function classifySourceError(cause: unknown, attempted: string): AgentError {
  if (cause instanceof AgentError) return cause;
  const failure = describe(cause);
  const { code, message } = failure;
  const [kind, hint] = verdictOn(failure);
  const text = `${attempted}: ${message}${code === undefined ? "" : ` (${code})`}`;
  return new AgentError(kind, text, hint === undefined ? { cause } : { cause, hint });
}

/** SQLSTATE or system code of a failure, `undefined` when it has none. */
export function errorCode(cause: unknown): string | undefined {
  return describe(cause).code;
}

/** CockroachDB's own words of a failure, without what was attempted. */
export function serverText(error: AgentError): string {
  return unwrapped(describe(error.cause).message);
}

/** True when the failure is that a table is missing; tables of the program's own are created then. */
export function isUndefinedTable(error: AgentError): boolean {
  return errorCode(error.cause) === "42P01";
}

interface Failure {
  readonly code: string | undefined;
  readonly message: string;
  /** CockroachDB's own hint. */
  readonly advice?: string | undefined;
}

function describe(cause: unknown): Failure {
  if (!(cause instanceof Error)) return { code: undefined, message: String(cause) };
  // A connection refused on every address of a name arrives as an AggregateError with an empty text.
  if (cause instanceof AggregateError && cause.message === "") return describe(cause.errors[0]);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  const advice = "hint" in cause && typeof cause.hint === "string" ? cause.hint : undefined;
  return { code, message: withoutRowKeys(cause.message || cause.name), advice };
}

/** Codes first: an SQLSTATE, or the system's. Texts count where there is no code, or one that says too little. */
function verdictOn({ code, message, advice }: Failure): Verdict {
  if (code === undefined) return verdictOf(LOCAL_TEXTS, message) ?? kindOfText(message) ?? ["Unknown"];
  const system = verdictOf(SYSTEM_CODES, code);
  if (system !== undefined) return system;
  const known = kindOfCode(code);
  const said = known === undefined || isVague(code) ? textVerdict(message) : undefined;
  const verdict: Verdict = said ?? [known ?? "Unknown"];
  // Every changefeed has a cursor, so the server says so of a table that never was, too: recordings cursors.
  return verdict[0] === "TableMissing" && AT_CURSOR.test(advice ?? "")
    ? ["TableMissing", AT_CURSOR_HINT]
    : verdict;
}

function textVerdict(message: string): Verdict | undefined {
  const [, cursor, now] = IN_THE_FUTURE.exec(unwrapped(message)) ?? [];
  return Number(cursor) - Number(now) < NEAR ? ["CursorAhead"] : kindOfText(message);
}
