import process from "node:process";
import type { Writable } from "node:stream";
import { type Check, type Finding, findings, ok, once, warn } from "../check.ts";
import { findingLines, findingsJson } from "../check_report.ts";
import { Cluster } from "../cockroach/cluster.ts";
import { CursorTable } from "../cockroach/cursor_table.ts";
import { NodePreflight } from "../cockroach/node_preflight.ts";
import { SourcePreflight } from "../cockroach/preflight.ts";
import { SqlConnection } from "../cockroach/sql_connection.ts";
import { StorePreflight } from "../cockroach/store_preflight.ts";
import type { Config } from "../config.ts";
import { checkCursor, checkRetention } from "../cursor_check.ts";
import { publishersLock } from "../feed_lock.ts";
import { BrokerPreflight } from "../rabbitmq/preflight.ts";
import { PROGRAM } from "../settings/version.ts";
import { type StoredFeeds, storedFeeds } from "../stored_feeds.ts";
import { quoteIdentifier, quoteWholeName } from "../table_name.ts";
import { feedSource } from "./feed_source.ts";
import { print } from "./output.ts";

/** In milliseconds; a check need not wait as long as a feed does. */
const LONGEST_FREQUENCY = 1000;

/** The command `check`: everything that has to be right before the feed can run. True when nothing fails. */
export async function check(
  config: Config,
  json: boolean,
  stdout: Writable,
  stop: AbortSignal,
): Promise<boolean> {
  const { database, cursorDatabase } = config;
  const sql = new SqlConnection(database, PROGRAM);
  const cursorSql = cursorDatabase === database ? sql : new SqlConnection(cursorDatabase, PROGRAM);
  const cluster = new Cluster(sql);
  const feed = feedSource(config, sql, Math.min(config.cursorFrequency, LONGEST_FREQUENCY));
  const rows = once(() => new CursorTable(cursorSql).rows());
  // What keeps the table from being read is told by a check of its own.
  const readable = () => config.cursorStore === "none" ? [] : rows().catch(() => []);
  const known = async () =>
    storedFeeds(await readable()).feeds.find((other) => other.feed === config.feed)?.tables;
  const source = new SourcePreflight({ ...config, feed, known, sql, signal: stop });
  const broker = config.rabbitmq && new BrokerPreflight(
    { ...config.rabbitmq, feed: config.feed, connectionName: `${PROGRAM} check ${config.feed}` },
    { name: async () => publishersLock(config.feed, cluster, await readable()), needs: source.nodes },
    stop,
  );
  const checks = [
    ...settingsChecks(config),
    ...source.checks,
    ...(config.cursorStore === "none"
      ? []
      : storeChecks(config, source, cluster, cursorSql, async () => storedFeeds(await rows()), stop)),
    ...broker?.checks ?? [],
  ];
  const found: Finding[] = [];
  const width = Math.max(...checks.map(({ name }) => name.length));
  try {
    for await (const finding of findings(checks)) {
      found.push(finding);
      if (!json) await print(stdout, ...findingLines(finding, width, process.stdout.isTTY === true));
    }
    if (json) await print(stdout, findingsJson(found));
  } finally {
    await Promise.all([sql.close(), cursorSql.close(), broker?.close()]);
  }
  return !found.some(({ status }) => status === "fail");
}

function settingsChecks({ feed, warnings }: Config): Check[] {
  return [
    { name: "settings", run: () => Promise.resolve(ok(`feed "${feed}"`)) },
    ...warnings.map((warning) => ({ name: "settings", run: () => Promise.resolve(warn(warning)) })),
  ];
}

function storeChecks(
  config: Config,
  source: SourcePreflight,
  cluster: Cluster,
  cursorSql: SqlConnection,
  stored: () => Promise<StoredFeeds>,
  stop: AbortSignal,
): Check[] {
  const { database, cursorDatabase, tables } = config;
  const nodes = cursorDatabase === database
    ? undefined
    : new NodePreflight(cursorDatabase, "CockroachDB of the cursor", stop);
  const store = new StorePreflight(cursorDatabase, cursorSql, nodes?.names ?? source.nodes, stop);
  const options = {
    ...config,
    outlivesExpiry: config.onExpiredCursor !== "fail",
    tables: tables.map((table) => quoteWholeName(table, database.database)),
    user: quoteIdentifier(database.user),
  };
  const needs = [...source.nodes, "table cursor_store"];
  return [
    ...nodes?.checks ?? [],
    ...store.checks,
    { name: "cursor", needs, run: async () => checkCursor(options, await stored(), await cluster.now()) },
    {
      name: "garbage collection",
      needs: ["changefeed", "cursor"],
      run: async () =>
        checkRetention(options, await stored(), await cluster.now(), await cluster.gcTtl(tables)),
    },
  ];
}
