import type { Position } from "../change.ts";
import type { AgentError } from "../errors.ts";
import { type Hlc, parseHlc } from "../hlc.ts";
import type { SentKeys } from "../replay_guard.ts";
import { isUndefinedTable } from "./errors.ts";
import { type FeedOwner, isOwner } from "./feed_owner.ts";
import { aboutOwnTable, HANDOVER_TABLE } from "./own_table.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** CockroachDB advises rows under 512 KiB. */
const LONGEST_PART = 512 * 1024;

/**
 * What a stopped process sent above its cursor, in the table `cursor_handover`: a line `HASH TIMESTAMP` for each key.
 * It is of use to a process that starts at the very same cursor, and to no other.
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
   * Leaves the keys for whoever starts at this position, if the feed is still this process's.
   *
   * @throws AgentError
   */
  async leave(position: Position, sent: SentKeys): Promise<void> {
    const attempted = `Cannot leave what feed "${this.#feed}" sent in cursor_handover`;
    const statements = [
      {
        text: `DELETE FROM cursor_handover WHERE feed = $1 AND ${isOwner(2)}`,
        values: [this.#feed, ...this.#owner.values],
      },
      ...parts(sent).map((keys, part) => ({
        text: "INSERT INTO cursor_handover (feed, part, cursor, keys) " +
          `SELECT $1::STRING, $2::INT, $3::STRING, $4::STRING WHERE ${isOwner(5)}`,
        values: [this.#feed, part, cursorText(position), keys, ...this.#owner.values],
      })),
    ];
    await this.#sql.transaction(attempted, statements).catch(async (error: AgentError) => {
      if (!isUndefinedTable(error)) throw aboutOwnTable(HANDOVER_TABLE, error);
      await this.#sql.query('Cannot create the table "cursor_handover"', HANDOVER_TABLE.create);
      await this.#sql.transaction(attempted, statements);
    });
  }

  /**
   * Takes what was left for this position; there is nothing afterwards.
   *
   * @throws AgentError
   */
  async take(position: Position): Promise<SentKeys> {
    const attempted = `Cannot take what feed "${this.#feed}" sent from cursor_handover`;
    const select = "SELECT cursor, keys FROM cursor_handover WHERE feed = $1 ORDER BY part";
    const { rows } = await this.#sql.query<Part>(attempted, select, [this.#feed]).catch(
      (error: AgentError) => {
        if (isUndefinedTable(error)) return { rows: [] };
        throw aboutOwnTable(HANDOVER_TABLE, error);
      },
    );
    if (rows.length === 0) return new Map();
    await this.#sql.query(attempted, "DELETE FROM cursor_handover WHERE feed = $1", [this.#feed]);
    return read(rows.filter(({ cursor }) => cursor === cursorText(position)).map(({ keys }) => keys));
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

function parts(sent: SentKeys): string[] {
  const texts: string[] = [];
  let lines: string[] = [], length = 0;
  for (const [hash, updated] of sent) {
    const line = `${hash} ${updated}`;
    if (length + line.length + 1 > LONGEST_PART) {
      texts.push(lines.join("\n"));
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length + 1;
  }
  return [...texts, lines.join("\n")];
}

function read(texts: readonly string[]): SentKeys {
  const sent = new Map<string, Hlc>();
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    const [hash = "", text = ""] = line.split(" ");
    const updated = parseHlc(text);
    if (updated !== undefined) sent.set(hash, updated);
  }
  return sent;
}
