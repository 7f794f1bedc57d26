import { command, type OwnStatement, show, textFields } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";
import type { TokenReader } from "./sql_lexer.ts";

/** `SHOW [CLUSTER|LOCAL] SESSIONS`. */
export function showSessions(reader: TokenReader): OwnStatement | undefined {
  if (!acceptShow(reader, "SESSIONS")) return undefined;
  const fields = textFields("node_id", "session_id", "user_name", "application_name", "active_queries");
  return show(fields, ({ cluster }) =>
    [...cluster.sessions].map(({ id, user, application, running }) => [
      "1",
      id,
      user,
      application,
      running?.sql ?? "",
    ]));
}

/** `SHOW [CLUSTER|LOCAL] QUERIES` or STATEMENTS. */
export function showQueries(reader: TokenReader): OwnStatement | undefined {
  if (!acceptShow(reader, "QUERIES") && !acceptShow(reader, "STATEMENTS")) return undefined;
  const fields = textFields("query_id", "node_id", "session_id", "user_name", "query", "application_name");
  return show(
    fields,
    ({ cluster }) =>
      [...cluster.sessions].flatMap(({ id, user, application, running }) =>
        running === undefined ? [] : [[running.id, "1", id, user, running.sql, application]]
      ),
  );
}

function acceptShow(reader: TokenReader, what: string): boolean {
  return reader.accept("SHOW", what) || reader.accept("SHOW", "CLUSTER", what) ||
    reader.accept("SHOW", "LOCAL", what);
}

/** `CANCEL QUERY 'id'`, `CANCEL SESSION 'id'`. */
export function cancel(reader: TokenReader): OwnStatement | undefined {
  const query = reader.accept("CANCEL", "QUERY");
  if (!query && !reader.accept("CANCEL", "SESSION")) return undefined;
  reader.accept("IF", "EXISTS");
  const id = reader.value() ?? "";
  return command(query ? "CANCEL QUERIES 1" : "CANCEL SESSIONS 1", ({ cluster }) => {
    const session = [...cluster.sessions].find((other) => query ? other.running?.id === id : other.id === id);
    if (session === undefined) {
      throw new SqlError("XXUUU", query ? `query ID ${id} not found` : `session ID ${id} not found`);
    }
    session.cancel(query ? "query" : "session");
  });
}
