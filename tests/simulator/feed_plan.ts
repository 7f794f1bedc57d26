import { compareHlc, type Hlc, latestHlc } from "../../src/hlc.ts";
import type { ChangefeedStatement } from "./changefeed_statement.ts";
import { hlcOf, parseSystemTime, printed, wallOf } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import { type FeedOptions, readFeedOptions } from "./feed_options.ts";
import { familyTargets, findTarget, requireSelect } from "./feed_target.ts";
import type { GeneratedTable } from "./generated_table.ts";
import { HistorySource, type Target } from "./history_source.ts";
import { Projection } from "./projection.ts";
import type { RowSource } from "./row_source.ts";
import type { TableHistory } from "./table_history.ts";
import type { VersionProfile } from "./version.ts";

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
  /** A resolved timestamp as the feed writes it. */
  resolvedText(at: Hlc): string;
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
  const { version } = cluster;
  const user = cluster.users.get(owner.user);
  const may = {
    "admin": user?.admin,
    "role option": user?.admin || user?.controlsChangefeeds,
    "select": true,
  };
  if (may[version.feedPrivilege] !== true) throw version.failure("feedDenied");
  const now = cluster.clock.now();
  const start = cursorOf(statement.options.get("cursor"), now, version);
  const targets: Target[] = [];
  const generated: GeneratedTable[] = [];
  for (const { path, family } of statement.targets) {
    const found = await findTarget(path, cluster, owner, start, statement);
    if (!("table" in found)) generated.push(found);
    else {
      await requireSelect(owner, found, cluster);
      targets.push(...familyTargets(found, family, statement, cluster));
    }
  }
  const options = readFeedOptions(statement.options, cluster.version);
  for (const { table } of targets) refuseCollected(table, start, now, version);
  const queried = targets[0]?.table.path;
  const projection = statement.query === undefined || queried === undefined
    ? undefined
    : new Projection(owner.asAdmin, statement.query, queried);
  const ordinary = targets.length > 0
    ? [new HistorySource(cluster.history, targets, version, options.virtualColumns === "null")]
    : [];
  return {
    options,
    projection,
    sources: [...ordinary, ...generated],
    start,
    generated: generated.length > 0,
    resolvedText: (at) =>
      cluster.version.syntheticTimestamps && targets.some(({ table }) => table.isGlobal) ? `${at}?` : at,
    tables: [...targets.map(({ name }) => name), ...generated.map(({ name }) => name)],
  };
}

function cursorOf(text: string | undefined, now: Hlc, version: VersionProfile): Hlc {
  if (text === undefined) return now;
  if (text === "0") throw version.failure("zeroCursor");
  // Resolved timestamps of GLOBAL tables are given back as they came.
  const cursor = parseSystemTime(version.syntheticTimestamps ? text.replace(/\?$/, "") : text, now);
  if (cursor === undefined) throw version.failure("unreadableCursor");
  if (compareHlc(cursor, now) > 0) {
    throw version.failure("futureCursor", { cursor: printed(cursor), now: printed(now) });
  }
  return cursor;
}

/** Recording error-cursor-past-gc. */
function refuseCollected(table: TableHistory, start: Hlc, now: Hlc, version: VersionProfile): void {
  const kept = hlcOf(wallOf(now) - BigInt(table.retention) * 1_000_000_000n);
  const threshold = latestHlc(kept, table.collected)!;
  if (compareHlc(start, threshold) > 0) return;
  throw version.failure("collected", {
    hlc: start,
    cursor: printed(start),
    threshold: printed(threshold),
    wall: String(wallOf(threshold)),
  });
}
