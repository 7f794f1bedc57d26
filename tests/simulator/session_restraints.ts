import { SqlError } from "./sql_error.ts";
import { TokenReader } from "./sql_lexer.ts";

const WRITES = new Set(["INSERT", "UPSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "TRUNCATE"]);

/**
 * Refuses what the session's variables forbid, as CockroachDB does: `default_transaction_read_only` and
 * `default_transaction_use_follower_reads` (opt/exec/execbuilder/relational.go), `disallow_full_table_scans`,
 * `allow_unsafe_internals` (sql/unsafesql).
 */
export function restrain(sql: string, variable: (name: string) => string): void {
  const isOn = (name: string) => /^(?:on|true|1)$/i.test(variable(name));
  const verb = new TokenReader(sql).next()?.text.toUpperCase() ?? "";
  if (
    WRITES.has(verb) &&
    (isOn("default_transaction_read_only") || isOn("default_transaction_use_follower_reads"))
  ) throw new SqlError("25006", `cannot execute ${verb} in a read-only transaction`);
  if (isOn("disallow_full_table_scans") && verb === "SELECT" && /\bFROM\b(?!.*\bWHERE\b)/is.test(sql)) {
    const message = `query \`${sql}\` contains a full table/index scan which is explicitly disallowed`;
    throw new SqlError("P0003", message);
  }
  if (variable("allow_unsafe_internals") === "off" && /\b(?:crdb_internal|system)\s*\./i.test(sql)) {
    throw new SqlError(
      "42501",
      "Access to crdb_internal and system is restricted. These interfaces are unsupported in production. " +
        "To proceed, set the session variable allow_unsafe_internals = true (not recommended)",
    );
  }
}
