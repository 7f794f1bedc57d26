import { compareHlc, type Hlc } from "../../src/hlc.ts";
import type { ChangefeedStatement } from "./changefeed_statement.ts";
import { printed } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import { FamilyView } from "./column_family.ts";
import { fullName } from "./feed_options.ts";
import type { FeedOwner } from "./feed_plan.ts";
import type { GeneratedTable } from "./generated_table.ts";
import type { Target } from "./history_source.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import { engineSchema } from "./sql_rewrite.ts";
import type { TablePath } from "./table_history.ts";

/** Databases and schemas whose tables cannot be watched. */
const SYSTEM = new Set(["system"]);

/**
 * The table of that name as of a cursor.
 *
 * @throws SqlError where there is none, or something else (recordings renamed, missing_database, views_and_sequences)
 */
export async function findTarget(
  parts: readonly string[],
  cluster: Cluster,
  owner: FeedOwner,
  at: Hlc,
  { options }: ChangefeedStatement,
): Promise<Target | GeneratedTable> {
  const { version } = cluster;
  const path = cluster.resolve(parts, owner.database);
  if (SYSTEM.has(path.database)) throw version.failure("systemTable");
  const table = cluster.history.find(path, at);
  if (table !== undefined) {
    const shown = options.has("full_table_name") && version.fullTableNames
      ? fullName(path.database, path.schema, path.name)
      : path.name;
    return {
      table,
      name: path.name,
      shown: (when) => version.renamed === "new name" ? table.pathAt(when).name : shown,
    };
  }
  const generated = cluster.generated.get(path.name);
  if (generated !== undefined && compareHlc(generated.created, at) <= 0) return generated;
  const other = await kindOf(path, owner);
  if (other !== undefined) throw version.failure(other, { table: path.name });
  const hint = options.has("cursor") && version.since(21, 1)
    ? `do the targets exist at the specified cursor time ${printed(at)}?`
    : undefined;
  const created = cluster.databases.get(path.database);
  const isMissing = created === undefined || compareHlc(created, at) > 0;
  if (isMissing && version.since(22, 1)) {
    throw version.failure("missingFeedDatabase", { database: path.database }).withHint(hint);
  }
  throw version.failure("missingTable", { table: parts.join(".") }).withHint(hint);
}

/** What there is of that name beside tables. */
async function kindOf(
  { database, schema, name }: TablePath,
  { asAdmin }: FeedOwner,
): Promise<"view" | "sequence" | undefined> {
  const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const [row] = await asAdmin(
    "SELECT relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace " +
      `WHERE relname = ${literal(name)} AND nspname = ${literal(engineSchema(database, schema))}`,
  );
  return row?.[0] === "v" ? "view" : row?.[0] === "S" ? "sequence" : undefined;
}

/** One target for each column family that is watched (v22.1's changefeedvalidators.ValidateTable). */
export function familyTargets(
  target: Target,
  asked: string | undefined,
  { options }: ChangefeedStatement,
  { version, familiesOf }: Cluster,
): Target[] {
  const families = familiesOf(target.table.path);
  const { name } = target;
  if (asked === undefined && families.length === 0) return [target];
  if (!version.familyTargets) {
    throw version.failure("manyFamilies", { table: name, count: String(families.length) });
  }
  const watched = families.filter((family) => asked === undefined || family.name === asked);
  if (watched.length === 0) {
    const message = `CHANGEFEED targeting nonexistent or removed column family ${asked} of table ${name}`;
    throw new SqlError(UNCATEGORIZED, message);
  }
  if (asked === undefined && !options.has("split_column_families")) {
    throw new SqlError(
      UNCATEGORIZED,
      `CHANGEFEED targeting a table (${name}) with multiple column families requires WITH split_column_families ` +
        "and will emit multiple events per row.",
    );
  }
  return watched.map((family) => ({
    ...target,
    shown: (at) => `${target.shown(at)}.${family.name}`,
    family: new FamilyView(families, family),
  }));
}

/** @throws SqlError unless the user may read the table */
export async function requireSelect(
  { user, asAdmin }: FeedOwner,
  { table, name }: Target,
  { users, version }: Cluster,
): Promise<void> {
  if (users.get(user)?.admin === true) return;
  const role = `'${user.replaceAll("'", "''")}'`;
  const [row] = await asAdmin(`SELECT has_table_privilege(${role}, ${table.id}::oid, 'SELECT')::text`);
  if (row?.[0] !== "true") throw version.failure("feedTableDenied", { user, table: name });
}
