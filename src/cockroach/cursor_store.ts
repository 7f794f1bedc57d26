import type { Position } from "../change.ts";
import { AgentError } from "../errors.ts";
import type { Stored } from "../feed_claim.ts";
import { ORIGINAL_KEY, SCAN_SUFFIX, TABLES_SUFFIX } from "../feed_keys.ts";
import { type Hlc, parseHlc } from "../hlc.ts";
import { parseTableIds, type TableIds, tableIdsText } from "../table_ids.ts";
import { createCursorTable } from "./cursor_table.ts";
import { errorCode, isUndefinedTable } from "./errors.ts";
import { type FeedOwner, isOwner } from "./feed_owner.ts";
import { aboutOwnTable, CURSOR_TABLE } from "./own_table.ts";
import type { Result } from "./connection.ts";
import type { SqlConnection } from "./sql_connection.ts";
import { PROGRAM } from "../settings/version.ts";

const UNIQUE_VIOLATION = "23505";

/** The cursor of one feed, and its owner, in the table `cursor_store` of CockroachDB. */
export class CockroachCursorStore {
  readonly #owner: FeedOwner;
  readonly #ignoreOriginal: boolean;
  readonly #sql: SqlConnection;

  /**
   * Connects to nothing yet.
   *
   * @param ignoreOriginal a cursor of the original is passed over: the operator said how to start without it
   */
  constructor(owner: FeedOwner, ignoreOriginal: boolean, sql: SqlConnection) {
    this.#owner = owner;
    this.#ignoreOriginal = ignoreOriginal;
    this.#sql = sql;
  }

  /** Token of this process's last claim. */
  get token(): string {
    return this.#owner.token;
  }

  /**
   * What is stored for the feed, and whose it is. Creates the table when it is missing.
   *
   * @throws AgentError
   */
  async read(): Promise<Stored> {
    const rows = await this.#rows().catch(async (error: AgentError) => {
      if (!isUndefinedTable(error)) throw error;
      await this.#reach(createCursorTable(this.#sql));
      return [];
    });
    const text = (wanted: string) => rows.find(({ key }) => key === wanted)?.cursor;
    const tables = parseTableIds(text(this.#tablesKey) ?? "");
    return { position: this.#position(rows), owner: text(this.#owner.key), tables };
  }

  /**
   * Takes the feed over from its owner; without effect if it has another by now.
   *
   * @param scope that of this process's lock
   * @throws AgentError
   */
  async claim(owner: string | undefined, scope?: string): Promise<void> {
    const attempted = `Cannot claim feed "${this.#feed}"`;
    const claim = [this.#owner.key, this.#owner.renew(scope)];
    if (owner === undefined) {
      const insert = "INSERT INTO cursor_store (key, cursor) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
      await this.#query(attempted, insert, claim);
    } else {
      const update = "UPDATE cursor_store SET cursor = $2 WHERE key = $1 AND cursor = $3";
      await this.#query(attempted, update, [...claim, owner]);
    }
  }

  /**
   * Stores where a feed with nothing stored starts, if the feed is still this process's; what is stored already stays.
   *
   * @throws AgentError
   */
  async create({ cursor, scanning }: Position): Promise<void> {
    await this.#query(
      `Cannot store the start of feed "${this.#feed}"`,
      `INSERT INTO cursor_store (key, cursor) SELECT $1::STRING, $2::STRING WHERE ${isOwner(3)} ` +
        "ON CONFLICT (key) DO NOTHING",
      [this.#key(scanning), cursor, ...this.#owner.values],
    );
  }

  /**
   * Stores `next` if what is stored is still `expected`, and the feed this process's; false when not. The end of a scan
   * takes one statement too: the row changes its key.
   *
   * @throws AgentError
   */
  async replace(expected: Position, next: Position): Promise<boolean> {
    try {
      const { rowCount } = await this.#query(
        `Cannot store the cursor "${next.cursor}" of feed "${this.#feed}"`,
        `UPDATE cursor_store SET key = $1, cursor = $2 WHERE key = $3 AND ${isCursor(4)} AND ${isOwner(5)}`,
        [
          this.#key(next.scanning),
          next.cursor,
          this.#key(expected.scanning),
          expected.cursor,
          ...this.#owner.values,
        ],
      );
      return rowCount === 1;
    } catch (error) {
      // Somebody stored a cursor beside the row of the scan.
      if (error instanceof AgentError && errorCode(error.cause) === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  /**
   * Stores the ids of the feed's tables, if the feed is still this process's.
   *
   * @throws AgentError
   */
  async keep(tables: TableIds): Promise<void> {
    await this.#query(
      `Cannot store the tables of feed "${this.#feed}"`,
      `INSERT INTO cursor_store (key, cursor) SELECT $1::STRING, $2::STRING WHERE ${isOwner(3)} ` +
        "ON CONFLICT (key) DO UPDATE SET cursor = excluded.cursor",
      [this.#tablesKey, tableIdsText(tables), ...this.#owner.values],
    );
  }

  /**
   * Removes what is stored, if it is still `expected`, and the feed this process's.
   *
   * @throws AgentError
   */
  async remove({ cursor, scanning }: Position): Promise<void> {
    await this.#query(
      `Cannot remove the cursor "${cursor}" of feed "${this.#feed}"`,
      `DELETE FROM cursor_store WHERE key = $1 AND ${isCursor(2)} AND ${isOwner(3)}`,
      [this.#key(scanning), cursor, ...this.#owner.values],
    );
  }

  get #feed(): string {
    return this.#owner.feed;
  }

  get #tablesKey(): string {
    return this.#feed + TABLES_SUFFIX;
  }

  #key(scanning: boolean): string {
    return scanning ? this.#feed + SCAN_SUFFIX : this.#feed;
  }

  #position(rows: readonly Row[]): Position | undefined {
    for (const scanning of [false, true]) {
      const row = rows.find(({ key }) => key === this.#key(scanning));
      if (row !== undefined) return { cursor: this.#parse(row), scanning };
    }
    const original = rows.some(({ key }) => key === ORIGINAL_KEY);
    if (!original || this.#ignoreOriginal) return undefined;
    throw new AgentError(
      "OriginalCursorFound",
      `Cannot start feed "${this.#feed}": it has no cursor, but cursor_store holds one of the original program`,
      {
        hint:
          `to go on from it, run with the same settings: ${PROGRAM} cursor adopt; to start without it: --initial-scan yes, or no`,
      },
    );
  }

  async #rows(): Promise<Row[]> {
    const { rows } = await this.#query<Row>(
      `Cannot read the cursor of feed "${this.#feed}"`,
      "SELECT key, cursor FROM cursor_store WHERE key IN ($1, $2, $3, $4, $5)",
      [this.#key(false), this.#key(true), this.#owner.key, this.#tablesKey, ORIGINAL_KEY],
    );
    return rows;
  }

  #parse({ key, cursor }: Row): Hlc {
    const parsed = parseHlc(cursor);
    if (parsed !== undefined) return parsed;
    throw new AgentError(
      "ConfigInvalid",
      `Cannot read the cursor "${cursor}" of key "${key}" in cursor_store`,
      {
        hint:
          "expected a resolved timestamp such as 1795327222747839112.0000000000; run `cursor set` or `cursor delete`",
      },
    );
  }

  #query<R extends object>(attempted: string, sql: string, values: readonly unknown[]): Promise<Result<R>> {
    return this.#reach(this.#sql.query<R>(attempted, sql, values));
  }

  /** Failures of the way to the store are told apart from those of the feed's: publishing goes on without it. */
  async #reach<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (cause) {
      const error = aboutOwnTable(CURSOR_TABLE, AgentError.from(cause));
      if (error.action !== "retry" || error.kind === "SerializationConflict") throw error;
      throw new AgentError("CursorStoreUnavailable", error.message, { cause: error.cause });
    }
  }
}

/** Somebody may have stored a timestamp of a GLOBAL table, as CockroachDB prints it: with `?`. */
function isCursor(parameter: number): string {
  return `rtrim(cursor, '?') = $${parameter}`;
}

interface Row {
  readonly key: string;
  readonly cursor: string;
}
