import type { Cluster } from "./cluster.ts";
import type { EngineUser } from "./engine_session.ts";
import type { SqlError } from "./sql_error.ts";
import { TokenReader } from "./sql_lexer.ts";

/** An error of the engine as this version of CockroachDB has it (recordings missing_database, privileges). */
export function asVersion(
  error: SqlError,
  sql: string,
  { user, database }: EngineUser,
  cluster: Cluster,
): SqlError {
  const { version } = cluster;
  const isMissing = !cluster.databases.has(database);
  const [, table] = /^relation "(.+)" does not exist$/.exec(error.message) ?? [];
  if (error.code === "42P01" && table !== undefined) {
    const name = isMissing && version.namesMissingDatabase ? "missingDatabase" : "missingRelation";
    return version.failure(name, { database, table });
  }
  const [, kind, name = ""] = /^permission denied for (schema|table) (.+)$/.exec(error.message) ?? [];
  if (error.code !== "42501" || kind === undefined) return error;
  const privilege = new TokenReader(sql).next()?.text.toUpperCase() ?? "";
  if (kind === "table") {
    return version.failure("denied", {
      user,
      privilege: VERBS[privilege] ?? privilege,
      object: `relation ${name}`,
    });
  }
  const object = version.publicCreates
    ? `schema ${name.slice(name.lastIndexOf(".") + 1)}`
    : `database ${database}`;
  return version.failure("denied", { user, privilege, object });
}

/** The privilege that a statement needs, where it has another name. */
const VERBS: Readonly<Record<string, string>> = { UPSERT: "INSERT", TRUNCATE: "DROP" };
