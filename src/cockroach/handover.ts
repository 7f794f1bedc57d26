import { setImmediate } from "node:timers/promises";
import type { Position } from "../change.ts";
import type { AgentError } from "../errors.ts";
import { compareInstants, type Hlc, hlcOfInstant, type Instant, instantOf, parseHlc } from "../hlc.ts";
import { parseWholeText, wholeText } from "../row_hash.ts";
import { RowTimes } from "../row_times.ts";
import { isUndefinedTable } from "./errors.ts";
import { type FeedOwner, isOwner } from "./feed_owner.ts";
import { aboutOwnTable, HANDOVER_TABLE } from "./own_table.ts";
import type { SqlConnection, Statement } from "./sql_connection.ts";

/** CockroachDB advises rows under 512 KiB; a part is made at once, so half of that keeps the pauses at some ms. */
const LONGEST_PART = 256 * 1024;

/**
 * What a stopped process sent above its cursor, in the table `cursor_handover`: a line `HASH TIMESTAMP` for each row, without
 * the timestamp where it is that of the line before, as in a scan.
 * It is of use to a process that starts at the very same cursor, and to no other. What an earlier version left, whose hashes
 * are shorter, is of no use to anybody: some changes come again.
 */
export class CockroachHandover {
  readonly #feed: string;
  readonly #owner: FeedOwner;
  readonly #sql: SqlConnection;

  /** Connects to nothing yet. */
  constructor(owner: FeedOwner, sql: SqlConnection) {
    this.#feed = owner.feed;
    this.#owner = owner;
    this.#sql = sql;
  }

  /**
   * Leaves the rows for whoever starts at this position, if the feed is still this process's.
   *
   * @throws AgentError
   */
  async leave(position: Position, sent: RowTimes): Promise<void> {
    const attempted = `Cannot leave what feed "${this.#feed}" sent in cursor_handover`;
    const leave = () => this.#sql.transaction(attempted, this.#statements(position, sent));
    await leave().catch(async (error: AgentError) => {
      if (!isUndefinedTable(error)) throw aboutOwnTable(HANDOVER_TABLE, error);
      await this.#sql.query('Cannot create the table "cursor_handover"', HANDOVER_TABLE.create);
      await leave();
    });
  }

  /**
   * Takes what was left for this position, if anything was; there is nothing afterwards.
   *
   * @throws AgentError
   */
  async take(position: Position): Promise<RowTimes | undefined> {
    const attempted = `Cannot take what feed "${this.#feed}" sent from cursor_handover`;
    const select = "SELECT cursor, keys FROM cursor_handover WHERE feed = $1 ORDER BY part";
    const { rows } = await this.#sql.query<Part>(attempted, select, [this.#feed]).catch(
      (error: AgentError) => {
        if (isUndefinedTable(error)) return { rows: [] };
        throw aboutOwnTable(HANDOVER_TABLE, error);
      },
    );
    if (rows.length === 0) return undefined;
    await this.#sql.query(attempted, "DELETE FROM cursor_handover WHERE feed = $1", [this.#feed]);
    const parts = rows.filter(({ cursor }) => cursor === cursorText(position)).map(({ keys }) => keys);
    return parts.length === 0 ? undefined : await read(parts);
  }

  /** Each is made when the one before was executed: together they may be 20 MB. */
  *#statements(position: Position, sent: RowTimes): Generator<Statement> {
    yield {
      text: `DELETE FROM cursor_handover WHERE feed = $1 AND ${isOwner(2)}`,
      values: [this.#feed, ...this.#owner.values],
    };
    let part = 0;
    for (const keys of parts(sent)) {
      yield {
        text: "INSERT INTO cursor_handover (feed, part, cursor, keys) " +
          `SELECT $1::STRING, $2::INT, $3::STRING, $4::STRING WHERE ${isOwner(5)}`,
        values: [this.#feed, part++, cursorText(position), keys, ...this.#owner.values],
      };
    }
  }
}

interface Part {
  readonly cursor: string;
  readonly keys: string;
}

/** A scan and a feed from the same timestamp are not the same position. */
function cursorText({ cursor, scanning }: Position): string {
  return scanning ? `${cursor}/scan` : cursor;
}

function* parts(sent: RowTimes): Generator<string> {
  let lines = "", last: Instant | undefined;
  for (const [row, time] of sent) {
    const isLast = last !== undefined && compareInstants(time, last) === 0;
    const line = isLast ? wholeText(row) : `${wholeText(row)} ${hlcOfInstant(time)}`;
    lines += lines === "" ? line : `\n${line}`;
    last = time;
    if (lines.length < LONGEST_PART) continue;
    yield lines;
    lines = "";
    last = undefined;
  }
  yield lines;
}

async function read(parts: readonly string[]): Promise<RowTimes> {
  const sent = new RowTimes();
  for (const part of parts) {
    let last: Hlc | undefined;
    for (const line of part.split("\n")) {
      const [hash = "", text] = line.split(" ");
      const row = parseWholeText(hash);
      if (text !== undefined) last = parseHlc(text);
      if (row !== undefined && last !== undefined) sent.set(row, instantOf(last));
    }
    await setImmediate(); // other things are not kept waiting
  }
  return sent;
}
