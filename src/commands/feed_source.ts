import { Changefeed } from "../cockroach/changefeed.ts";
import type { SqlConnection } from "../cockroach/sql_connection.ts";
import type { Config } from "../config.ts";
import { PROGRAM } from "../settings/version.ts";

/**
 * The changefeed that the settings ask for.
 *
 * @param resolvedEvery how often a resolved timestamp is asked for, in milliseconds
 * @param onGcTtl told at each session how long CockroachDB keeps old versions, in seconds
 */
export function feedSource(
  { database, tables, query, diff, changefeedOptions }: Config,
  sql: SqlConnection,
  resolvedEvery: number,
  onGcTtl: (seconds: number | undefined) => void,
): Changefeed {
  return new Changefeed({
    url: database,
    applicationName: PROGRAM,
    tables,
    query,
    resolvedEvery,
    diff,
    options: changefeedOptions,
    onGcTtl,
  }, sql);
}
