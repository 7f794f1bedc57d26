import { parseSystemTime } from "./clock.ts";
import { type OwnStatement, show, textFields } from "./own_statement.ts";

const CATALOG = /\bFROM\s+"((?:[^"]|"")+)"\.pg_catalog\.pg_class\b/;
const SYSTEM_TIME = /\bAS OF SYSTEM TIME '([^']+)'/;
const NAMES = /\brelname IN \(((?:'(?:[^']|'')*'(?:, )?)+)\)/;
const IDS = /\boid IN \(([\d, ]+)\)/;

/**
 * The tables of a database by name or id, `SELECT id, schema, name FROM "db".pg_catalog.pg_class …`, as they were called at
 * a time: the engine's own catalog knows only the present.
 */
export function catalogOfTables(sql: string): OwnStatement | undefined {
  const [, database] = CATALOG.exec(sql) ?? [];
  if (database === undefined) return undefined;
  const time = SYSTEM_TIME.exec(sql)?.[1];
  const names = [...(NAMES.exec(sql)?.[1] ?? "").matchAll(/'((?:[^']|'')*)'/g)]
    .map(([, name = ""]) => name.replaceAll("''", "'"));
  const ids = (IDS.exec(sql)?.[1] ?? "").split(", ");
  return show(textFields("id", "schema", "name"), ({ cluster: { clock, history } }) => {
    const now = clock.now(), at = time === undefined ? now : parseSystemTime(time, now) ?? now;
    return history.tables.filter((table) => table.existsAt(at))
      .map((table) => ({ id: String(table.id), path: table.pathAt(at) }))
      .filter(({ path }) => path.database === database.replaceAll('""', '"'))
      .filter(({ id, path }) => names.includes(path.name) || ids.includes(id))
      .map(({ id, path: { schema, name } }) => [id, schema, name]);
  });
}
