/** Where in CockroachDB's source an error was made: file, line, routine (fields F, L, R of an ErrorResponse). */
export type Origin = readonly [file: string, line: string, routine: string];

/** An error that the client gets as an ErrorResponse. */
export class SqlError extends Error {
  override name = "SqlError";
  /** SQLSTATE. */
  readonly code: string;
  /** Sent as F, L and R when known. */
  readonly origin: Origin | undefined;
  /** What may help, if something is known. */
  hint: string | undefined;
  /** Further text, such as the place of a syntax error. */
  detail: string | undefined;
  /** `ERROR`, or `FATAL` when the connection ends with it. */
  readonly severity: "ERROR" | "FATAL";

  constructor(code: string, message: string, origin?: Origin, severity: "ERROR" | "FATAL" = "ERROR") {
    super(message);
    this.code = code;
    this.origin = origin;
    this.severity = severity;
  }

  /** The same error with a hint. */
  withHint(hint: string | undefined): this {
    this.hint = hint;
    return this;
  }

  /** The same error with a detail. */
  withDetail(detail: string): this {
    this.detail = detail;
    return this;
  }
}

/** SQLSTATE of most changefeed failures: "uncategorized, unknown". */
export const UNCATEGORIZED = "XXUUU";

/** What every connection gets before a drained server closes it (recording error-server-drain). */
export function serverShutdown(): SqlError {
  return new SqlError("57P01", "server is shutting down", ["server.go", "825", "newAdminShutdownErr"]);
}
