import { compareHlc, type Hlc, latestHlc } from "../../src/hlc.ts";
import type { ChangefeedStatement } from "./changefeed_statement.ts";
import { hlcOf, parseSystemTime, printed, wallOf } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import { FamilyView } from "./column_family.ts";
import { type FeedOptions, fullName, readFeedOptions } from "./feed_options.ts";
import type { GeneratedTable } from "./generated_table.ts";
import { HistorySource, type Target } from "./history_source.ts";
import { Projection } from "./projection.ts";
import type { RowSource } from "./row_source.ts";
import { SqlError, UNCATEGORIZED } from "./sql_error.ts";
import type { TableHistory } from "./table_history.ts";

/** A changefeed that may run. */
export interface FeedPlan {
  readonly options: FeedOptions;
  readonly sources: readonly RowSource[];
  /** A CDC query over the rows; `undefined`: they come whole. */
  readonly projection: Projection | undefined;
  /** The cursor, or the time of the statement. */
  readonly start: Hlc;
  /** Has changes that are computed as time goes on. */
  readonly generated: boolean;
  /** Last names of the tables. */
  readonly tables: readonly string[];
}

/** Who asks for the feed. */
export interface FeedOwner {
  readonly user: string;
  readonly database: string;
  /** Runs SQL in the engine with all rights. */
  asAdmin(sql: string): Promise<(string | null)[][]>;
}

/**
 * Checks a changefeed in CockroachDB's order.
 *
 * @throws SqlError as the recordings error-… have it
 */
export async function planFeed(
  statement: ChangefeedStatement,
  cluster: Cluster,
  owner: FeedOwner,
): Promise<FeedPlan> {
  const { modern } = cluster.version;
  if (!modern && cluster.users.get(owner.user)?.admin !== true) {
    throw new SqlError("42501", "only users with the admin role are allowed to CREATE CHANGEFEED", [
      "authorization.go",
      "207",
      "RequireAdminRole",
    ]);
  }
  const now = cluster.clock.now();
  const start = cursorOf(statement.options.get("cursor"), now);
  const targets: Target[] = [];
  const generated: GeneratedTable[] = [];
  for (const { path, family } of statement.targets) {
    const found = findTarget(path, cluster, owner.database, start, statement.options.has("full_table_name"));
    if ("table" in found) targets.push(...familyTargets(found, family, statement, cluster));
    else generated.push(found);
  }
  if (modern && !await maySelect(owner, targets, cluster)) {
    throw new SqlError(
      "42501",
      `user ${
        JSON.stringify(owner.user)
      } requires the SELECT privilege on all target tables to be able to run a core changefeed`,
    );
  }
  const options = readFeedOptions(statement.options, cluster.version);
  for (const { table } of targets) refuseCollected(table, start, now, modern);
  const queried = targets[0]?.table.path;
  const projection = statement.query === undefined || queried === undefined
    ? undefined
    : new Projection(owner.asAdmin, statement.query, queried);
  const ordinary = targets.length > 0 ? [new HistorySource(cluster.history, targets, modern)] : [];
  return {
    options,
    projection,
    sources: [...ordinary, ...generated],
    start,
    generated: generated.length > 0,
    tables: [...targets.map(({ name }) => name), ...generated.map(({ name }) => name)],
  };
}

function cursorOf(text: string | undefined, now: Hlc): Hlc {
  if (text === undefined) return now;
  const cursor = parseSystemTime(text, now);
  if (cursor === undefined) {
    throw new SqlError(
      UNCATEGORIZED,
      "AS OF SYSTEM TIME: value is neither timestamp, decimal, nor interval",
      [
        "as_of.go",
        "110",
        "DatumToHLC",
      ],
    );
  }
  if (compareHlc(cursor, now) > 0) {
    const message = `cannot specify timestamp in the future (${printed(cursor)} > ${printed(now)})`;
    throw new SqlError(UNCATEGORIZED, `AS OF SYSTEM TIME: ${message}`, [
      "exec_util.go",
      "1066",
      "EvalAsOfTimestamp",
    ]);
  }
  return cursor;
}

function findTarget(
  parts: readonly string[],
  cluster: Cluster,
  database: string,
  at: Hlc,
  full: boolean,
): Target | GeneratedTable {
  const path = cluster.resolve(parts, database);
  const table = cluster.history.find(path, at);
  if (table !== undefined) {
    const { since } = cluster.version;
    return {
      table,
      name: path.name,
      followsName: since(21, 1) && !since(22, 2),
      shown: full ? fullName(path.database, path.schema, path.name) : path.name,
    };
  }
  const generated = cluster.generated.get(path.name);
  if (generated !== undefined && compareHlc(generated.created, at) <= 0) return generated;
  throw new SqlError(UNCATEGORIZED, `table "${parts.join(".")}" does not exist`, [
    "targets.go",
    "267",
    "descriptorsMatchingTargets",
  ]);
}

/** One target for each column family that is watched (v22.1's changefeedvalidators.ValidateTable). */
function familyTargets(
  target: Target,
  asked: string | undefined,
  { options }: ChangefeedStatement,
  cluster: Cluster,
): Target[] {
  const families = cluster.familiesOf(target.table.path);
  const { name } = target;
  if (asked === undefined && families.length === 0) return [target];
  if (!cluster.version.modern) {
    const message =
      `CHANGEFEEDs are currently supported on tables with exactly 1 column family: ${name} has ${families.length}`;
    throw new SqlError(UNCATEGORIZED, message);
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
    followsName: false,
    shown: `${target.shown}.${family.name}`,
    family: new FamilyView(families, family),
  }));
}

async function maySelect(
  { user, asAdmin }: FeedOwner,
  targets: readonly Target[],
  cluster: Cluster,
): Promise<boolean> {
  if (cluster.users.get(user)?.admin === true) return true;
  for (const { table } of targets) {
    const role = `'${user.replaceAll("'", "''")}'`;
    const [row] = await asAdmin(`SELECT has_table_privilege(${role}, ${table.id}::oid, 'SELECT')::text`);
    if (row?.[0] !== "true") return false;
  }
  return true;
}

/** Recording error-cursor-past-gc. */
function refuseCollected(table: TableHistory, start: Hlc, now: Hlc, modern: boolean): void {
  const kept = hlcOf(wallOf(now) - BigInt(table.retention) * 1_000_000_000n);
  const threshold = latestHlc(kept, table.collected)!;
  if (compareHlc(start, threshold) > 0) return;
  const message = `batch timestamp ${printed(start)} must be after replica GC threshold ${
    printed(threshold)
  }`;
  const wrapped = modern
    ? `could not create changefeed: cursor ${start} is older than the GC threshold ${wallOf(threshold)}: `
    : "";
  throw new SqlError(UNCATEGORIZED, wrapped + message);
}
