import { AgentError } from "../errors.ts";
import type { TableIds } from "../table_ids.ts";
import { fullTableName } from "../table_name.ts";
import type { PresentName, TableCatalog, WholeName } from "./table_catalog.ts";

/** What is known of tables when a session starts. */
export interface TableKnowledge {
  /** As the session before had them. */
  readonly known: TableIds | undefined;
  /** As of the cursor: there CockroachDB looks a statement's names up. */
  readonly then: TableCatalog;
  /** At present. */
  readonly now: TableCatalog;
}

/**
 * The ids of the tables with these names. A table that was renamed keeps its id, whether its old name is given or its new
 * one. `undefined` stands for a table that was not there at the cursor, which is CockroachDB's to say.
 *
 * @throws AgentError TableReplaced where a name stands for another table than it did, ConfigInvalid where two names stand
 * for one table
 */
export function identify(
  tables: readonly WholeName[],
  { known, then, now }: TableKnowledge,
): Map<string, string | undefined> {
  const given = new Set(tables.map(nameOf));
  const ids = new Map<string, string | undefined>();
  for (const table of tables) {
    const name = nameOf(table), id = known?.get(name);
    if (id !== undefined && (now.nameOf(id) !== undefined || then.nameOf(id) === undefined)) {
      refuseReplaced(table, id, now);
    }
    ids.set(name, id ?? renamed(now.idOf(table), known, given) ?? then.idOf(table));
  }
  for (const [name, id] of ids) {
    const other = [...ids].find(([other, same]) => other < name && same === id && id !== undefined)?.[0];
    if (other === undefined) continue;
    throw new AgentError("ConfigInvalid", `Cannot watch "${other}" and "${name}": both are table ${id}`, {
      hint: "the table was renamed; keep one of its names in --table",
    });
  }
  return ids;
}

/**
 * Refuses to go on when a name stands for another table than the feed has read under it.
 *
 * @throws AgentError TableReplaced
 */
export function refuseReplaced(table: WholeName, id: string, now: TableCatalog): void {
  const name = nameOf(table), present = now.idOf(table), place = now.nameOf(id);
  if (present === undefined || present === id) return;
  const there = place && nameOf(withSchema(place, table));
  const fate = there === undefined ? "is gone" : `is "${there}" now`;
  const follow = there === undefined
    ? ""
    : `to go on with table ${id}, give its present name (--table ${there}) and this feed's name (--feed); `;
  throw new AgentError(
    "TableReplaced",
    `Cannot go on with "${name}": it was table ${id} at the cursor and is table ${present} now; table ${id} ${fate}`,
    { hint: `${follow}to begin with table ${present}, run \`cursor delete\`` },
  );
}

/** The whole name that a table has; where its schema is not to be seen, it is taken for that of the name it had. */
export function withSchema({ table, schema }: PresentName, before: WholeName): WholeName {
  return { database: before.database, schema: schema ?? before.schema, table };
}

/** A table that the feed has read under a name that is not given any more. */
function renamed(
  present: string | undefined,
  known: TableIds | undefined,
  given: ReadonlySet<string>,
): string | undefined {
  return [...known ?? []].find(([name, id]) => id === present && !given.has(name))?.[1];
}

function nameOf({ database, schema, table }: WholeName): string {
  return fullTableName({ database, schema, table }, database);
}
