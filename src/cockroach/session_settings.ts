import { isAtLeast, type Version } from "./version.ts";

/** A session variable that this program sets on each of its connections. */
export interface SessionSetting {
  /** Name of the variable. */
  readonly name: string;
  /** Its value, as SQL has it. */
  readonly value: string;
  /** The release that brought it; `undefined`: as old as this program cares, or not known. */
  readonly since?: readonly [year: number, release: number];
}

/**
 * What a role or the cluster sets for all sessions (`ALTER ROLE … SET`, `sql.defaults.*`) is meant for other programs, and
 * would stop this one, or change what it sends. Each of these has one of four reasons:
 *
 * - A feed and its statements have no time limit of the server's; they have their own.
 * - The cursor is written, by serializable transactions that no other one outranks, and read as it is now.
 * - A name without a schema is one of `public`, as `{schema}` in templates says; INT is INT8; internals may be asked for.
 * - Texts that a CDC query makes of values are the same for every role. The changefeed's own JSON depends on none of these
 *   (v21.2, v22.1: changefeedccl/encoder.go gives AsJSON a configuration of its own), and neither do binary results.
 */
export const SESSION_SETTINGS: readonly SessionSetting[] = [
  { name: "statement_timeout", value: "0" },
  { name: "idle_in_transaction_session_timeout", value: "0" },
  { name: "idle_in_session_timeout", value: "0" },
  { name: "lock_timeout", value: "0" },
  { name: "transaction_timeout", value: "0", since: [23, 1] },

  { name: "default_transaction_isolation", value: "'serializable'" },
  { name: "default_transaction_priority", value: "'normal'" },
  { name: "default_transaction_read_only", value: "off" },
  { name: "default_transaction_use_follower_reads", value: "off" },
  { name: "disallow_full_table_scans", value: "off" },
  { name: "sql_safe_updates", value: "off" },
  { name: "transaction_rows_read_err", value: "0", since: [21, 2] },
  { name: "transaction_rows_written_err", value: "0", since: [21, 2] },
  { name: "enforce_home_region", value: "off", since: [22, 2] },

  { name: "search_path", value: "public" },
  { name: "default_int_size", value: "8" },
  // Without it v26.1 refuses crdb_internal.cluster_id(), and v25.4 where somebody turned it off
  // (cockroachdb/cockroach#151887, #158085).
  { name: "allow_unsafe_internals", value: "on", since: [25, 4] },

  { name: "timezone", value: "'UTC'" },
  { name: "datestyle", value: "'ISO, MDY'" },
  { name: "intervalstyle", value: "'postgres'" },
  { name: "bytea_output", value: "'hex'" },
  { name: "extra_float_digits", value: "1" }, // the shortest text that is the same number; 0 cuts digits off
];

/** The settings that this version may know. */
export function settingsOf(version: Version): readonly SessionSetting[] {
  return SESSION_SETTINGS.filter(({ since }) => since === undefined || isAtLeast(version, ...since));
}

/** All of them in one statement of the simple protocol: one round trip. */
export function setStatement(settings: readonly SessionSetting[]): string {
  return settings.map(({ name, value }) => `SET ${name} = ${value}`).join("; ");
}
