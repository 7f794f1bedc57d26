import type { ErrorKind } from "../errors.ts";

/**
 * What each SQLSTATE means here, by code or, where all of a class mean one thing, by its first two characters. Codes are those of
 * pkg/sql/pgwire/pgcode/codes.go of v21.2 to v25; tests/unit/cockroach/sqlstates_test.ts goes through all of them. A code
 * that is not here is `Unknown`: tried a few times.
 */
const SQLSTATES: Readonly<Record<string, ErrorKind>> = {
  // Connection exceptions; poolers report whatever they fail at as 08P01.
  "08": "SourceUnreachable",
  // Faults of the statement, which is made of settings: they stay.
  "0A": "OptionRejected",
  "22": "OptionRejected",
  "42": "OptionRejected",
  XCEXF: "OptionRejected",
  "0P": "SourceDenied", // no such role
  "25006": "SourceDenied", // read-only
  "28": "SourceDenied",
  "42501": "SourceDenied", // recordings privileges
  "3D": "TableMissing", // database: recording missing_database of v22.1
  "3F": "TableMissing", // schema
  "42602": "TableMissing", // no database, and so no schema: recordings missing_database
  "42P01": "TableMissing",
  "57P04": "TableMissing", // database dropped
  "40": "SerializationConflict", // 40003: whether a commit succeeded is not known
  "55P03": "SerializationConflict", // lock not available
  // `schema change occurred at …`, behind a resolved timestamp that holds everything before it: recordings
  // change_primary_key of v21.2 and v22.1. Where nobody asked for schema_change_policy=stop, only a changed primary key does
  // this (kvfeed/kv_feed.go of v22.1).
  "55C01": "PrimaryKeyChanged",
  // Memory, disk, connections; a limit that somebody configured (53400) stays.
  "53": "SourceDegraded",
  "53400": "Unknown",
  // The system: 58C00 is a range without a quorum, 58C01 a connection between nodes that broke. XXC00 was 58C00 up to v19.2.
  "58": "SourceDegraded",
  XXC00: "SourceDegraded",
  "58P01": "Unknown",
  "58P02": "Unknown",
  "57": "SourceDraining", // 57P01: recording error-server-drain; 57014: recordings cancelled
  "57P03": "SourceUnreachable", // cannot connect now
  "25P03": "SourceDraining", // a session that was idle for too long
  XXC01: "LicenseMissing",
  XXC02: "LicenseMissing",
};

/**
 * Codes that say less than the text beside them: uncategorized, internal, and those that CockroachDB gives to failures of
 * several kinds. Below these the text is asked first.
 */
const VAGUE: ReadonlySet<string> = new Set([
  "XXUUU", // most failures of changefeeds
  "XX000",
  "08P01", // TLS is wanted
  "0A000",
  "22023",
  "28000", // a certificate is wanted
  "3D000", // also where there was no such database yet at the cursor
  "42501", // which privilege
  "42601",
  "42602",
  "42P01",
  "55000", // a table that is offline
]);

/** What an SQLSTATE says; `undefined` where it says nothing. */
export function kindOfCode(code: string): ErrorKind | undefined {
  return SQLSTATES[code] ?? SQLSTATES[code.slice(0, 2)];
}

/** The text beside this SQLSTATE says more than the code. */
export function isVague(code: string): boolean {
  return VAGUE.has(code);
}
