import { Changefeed, type SourceObserver } from "../cockroach/changefeed.ts";
import type { SqlConnection } from "../cockroach/sql_connection.ts";
import type { Config } from "../config.ts";
import { PROGRAM } from "../settings/version.ts";

/**
 * The changefeed that the settings ask for.
 *
 * @param resolvedEvery how often a resolved timestamp is asked for, in milliseconds
 * @param observe told about each session
 */
export function feedSource(
  { database, tables, query, diff, changefeedOptions }: Config,
  sql: SqlConnection,
  resolvedEvery: number,
  observe?: SourceObserver,
): Changefeed {
  return new Changefeed({
    url: database,
    applicationName: PROGRAM,
    tables,
    query,
    resolvedEvery,
    diff,
    options: changefeedOptions,
    observe,
  }, sql);
}
