import { AgentError, type ErrorKind } from "../errors.ts";
import { OWNER_SUFFIX, SCAN_SUFFIX, TABLES_SUFFIX } from "../feed_keys.ts";
import type { Hlc } from "../hlc.ts";
import { errorCode, isUndefinedTable } from "./errors.ts";
import { aboutOwnTable, CURSOR_TABLE, HANDOVER_TABLE } from "./own_table.ts";
import type { SqlConnection, Statement } from "./sql_connection.ts";

/** What to do when it cannot be created. */
const CREATE_HINTS: Partial<Record<ErrorKind, string>> = {
  SourceDenied: `let somebody who may create tables run: ${CURSOR_TABLE.create}`,
};
/** A publisher that runs stores while we do, and tables may be missing; each try is one transaction. */
const MOST_FAILURES = 10;

/**
 * Creates the table `cursor_store` if it is missing.
 *
 * @throws AgentError
 */
export async function createCursorTable(sql: SqlConnection): Promise<void> {
  try {
    await sql.query('Cannot create the table "cursor_store"', CURSOR_TABLE.create);
  } catch (failure) {
    const { kind, message, cause, hint } = AgentError.from(failure);
    throw new AgentError(kind, message, { cause, hint: CREATE_HINTS[kind] ?? hint });
  }
}

/** A row of `cursor_store`. */
export interface CursorRow {
  /** A feed's name, or what stands beside it: see feed_keys.ts. */
  readonly key: string;
  /** A cursor, the token of an owner, or the ids of tables. */
  readonly cursor: string;
}

/**
 * The table `cursor_store`, for somebody who changes the cursors of feeds that he does not publish. With every change the
 * feed's owner goes: whatever a publisher that runs stores after it changes nothing, and so it notices.
 */
export class CursorTable {
  readonly #sql: SqlConnection;

  /** Connects to nothing yet. */
  constructor(sql: SqlConnection) {
    this.#sql = sql;
  }

  /**
   * Every row; none where the table is missing.
   *
   * @throws AgentError
   */
  async rows(): Promise<readonly CursorRow[]> {
    try {
      const select = "SELECT key, cursor FROM cursor_store ORDER BY key";
      return (await this.#sql.query<CursorRow>("Cannot read the table cursor_store", select)).rows;
    } catch (failure) {
      const error = AgentError.from(failure);
      if (isUndefinedTable(error)) return [];
      throw aboutOwnTable(CURSOR_TABLE, error);
    }
  }

  /**
   * Makes this the feed's cursor: no scan, no owner, and neither what was sent above the cursor before nor the tables are
   * remembered.
   *
   * @throws AgentError
   */
  async put(feed: string, cursor: Hlc): Promise<void> {
    const insert = "INSERT INTO cursor_store (key, cursor) VALUES ($1, $2) " +
      "ON CONFLICT (key) DO UPDATE SET cursor = excluded.cursor";
    await this.#change(`Cannot store the cursor of feed "${feed}"`, [
      clear(feed),
      { text: insert, values: [feed, cursor] },
    ], feed);
  }

  /**
   * Removes everything that is kept of the feed.
   *
   * @throws AgentError
   */
  async remove(feed: string): Promise<void> {
    await this.#change(`Cannot delete the cursor of feed "${feed}"`, [clear(feed)], feed);
  }

  async #change(attempted: string, statements: readonly Statement[], feed: string): Promise<void> {
    const handover = { text: "DELETE FROM cursor_handover WHERE feed = $1", values: [feed] };
    let all = [...statements, handover];
    for (let failures = 0;; failures++) {
      try {
        return await this.#sql.transaction(attempted, all);
      } catch (failure) {
        const error = AgentError.from(failure);
        if (failures === MOST_FAILURES) throw error;
        if (isUndefinedTable(error)) {
          // The first publisher that has something to hand over makes that table.
          if (error.message.includes("cursor_handover")) all = [...statements];
          else await createCursorTable(this.#sql);
        } else if (
          aboutOwnTable(HANDOVER_TABLE, error).kind === "TableUnfit" && all.length > statements.length
        ) {
          all = [...statements]; // one of the two tables is somebody else's: if the other is, nothing is in it
        } else if (errorCode(error.cause) !== "40001") throw aboutOwnTable(CURSOR_TABLE, error);
      }
    }
  }
}

function clear(feed: string): Statement {
  return {
    text: "DELETE FROM cursor_store WHERE key IN ($1, $2, $3, $4)",
    values: [feed, feed + SCAN_SUFFIX, feed + OWNER_SUFFIX, feed + TABLES_SUFFIX],
  };
}
