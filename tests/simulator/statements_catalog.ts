import { quoteIdentifier } from "../../src/table_name.ts";
import { parseSystemTime } from "./clock.ts";
import { type OwnContext, type OwnStatement, show, textFields } from "./own_statement.ts";
import { SqlError } from "./sql_error.ts";

const NAMES =
  /^SELECT c\.oid::INT8::STRING .* FROM "((?:[^"]|"")+)"\.pg_catalog\.pg_class .*\boid IN \(([\d, ]+)\)$/;
const IDS = /^SELECT ('(?:[^']|'')+'::REGCLASS::OID::INT8::STRING AS t\d+(?:, )?)+ FROM \(VALUES \(1\)\)/;
const NAME = /'((?:[^']|'')+)'::REGCLASS/g;
const SYSTEM_TIME = /\bAS OF SYSTEM TIME '([^']+)'/;

/**
 * Ids of tables by name, and names by id, as they were at a time: the engine's own catalog knows only the present. It
 * takes these questions as this program asks them.
 */
export function tableIdentities(sql: string): OwnStatement | undefined {
  if (IDS.test(sql)) return ids([...sql.matchAll(NAME)].map(([, name]) => name!.replaceAll("''", "'")), sql);
  const [, database, wanted] = NAMES.exec(sql) ?? [];
  return database === undefined ? undefined : names(database.replaceAll('""', '"'), wanted!.split(", "), sql);
}

function ids(asked: readonly string[], sql: string): OwnStatement {
  return show(textFields(...asked.map((_, index) => `t${index}`)), (context) => {
    const tables = tablesAt(context, sql);
    return [asked.map((name) => {
      const found = tables.find(({ path }) =>
        [path.database, path.schema, path.name].map(quoteIdentifier).join(".") === name
      );
      if (found === undefined) {
        throw new SqlError("42P01", `relation "${name.replaceAll('"', "")}" does not exist`);
      }
      return found.id;
    })];
  });
}

function names(database: string, wanted: readonly string[], sql: string): OwnStatement {
  return show(
    textFields("id", "schema", "name"),
    (context) =>
      tablesAt(context, sql)
        .filter(({ id, path }) => path.database === database && wanted.includes(id))
        .map(({ id, path: { schema, name } }) => [id, schema, name]),
  );
}

function tablesAt({ cluster: { clock, history } }: OwnContext, sql: string) {
  const now = clock.now(), time = SYSTEM_TIME.exec(sql)?.[1];
  const at = time === undefined ? now : parseSystemTime(time, now) ?? now;
  return history.tables.filter((table) => table.existsAt(at))
    .map((table) => ({ id: String(table.id), path: table.pathAt(at) }));
}
