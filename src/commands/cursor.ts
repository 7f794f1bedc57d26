import type { Writable } from "node:stream";
import { Cluster } from "../cockroach/cluster.ts";
import { CursorTable } from "../cockroach/cursor_table.ts";
import { SqlConnection } from "../cockroach/sql_connection.ts";
import { CursorCommand } from "../cursor_command.ts";
import { changeLines, cursorJson, cursorLines, cursorTable } from "../cursor_report.ts";
import { PublisherLocks } from "../rabbitmq/publisher_locks.ts";
import type { CursorAction, CursorConfig } from "../settings/cursor_config.ts";
import { PROGRAM } from "../settings/version.ts";
import { print, printFailure } from "./output.ts";

/** The commands about cursors. True when that is done; what went wrong otherwise is printed. */
export async function cursor(
  action: CursorAction,
  { database, cursorDatabase, broker }: CursorConfig,
  stdout: Writable,
  stop: AbortSignal,
): Promise<boolean> {
  const sql = new SqlConnection(database, PROGRAM);
  const cursorSql = cursorDatabase === database ? sql : new SqlConnection(cursorDatabase, PROGRAM);
  const locks = typeof broker === "string"
    ? undefined
    : new PublisherLocks({ ...broker, connectionName: `${PROGRAM} cursor` }, stop);
  const command = new CursorCommand({
    cursors: new CursorTable(cursorSql),
    cluster: new Cluster(sql),
    locks: typeof broker === "string" ? broker : locks!,
  });
  try {
    await print(stdout, ...await linesOf(action, command));
    return true;
  } catch (failure) {
    printFailure(failure);
    return false;
  } finally {
    await Promise.all([sql.close(), cursorSql.close(), locks?.close()]);
  }
}

async function linesOf(action: CursorAction, command: CursorCommand): Promise<string[]> {
  switch (action.name) {
    case "list": {
      const views = await command.look();
      return action.json ? [JSON.stringify(cursorJson(views))] : cursorTable(views);
    }
    case "show": {
      const views = await command.look(action.feed);
      return action.json ? [JSON.stringify(cursorJson(views)[0])] : cursorLines(views);
    }
    default:
      return changeLines(await command.change(action));
  }
}
