import pg from "pg";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { connect, type Connection, type Result } from "./connection.ts";
import { classifySourceError } from "./errors.ts";

/** A statement with its parameters. */
export interface Statement {
  /** SQL with `$1`, `$2`. */
  readonly text: string;
  /** What they stand for. */
  readonly values: readonly unknown[];
}

/** A connection for short statements that is made when it is first needed, and again after it broke. */
export class SqlConnection {
  readonly #url: DatabaseUrl;
  readonly #applicationName: string;
  #connection: Promise<Connection> | undefined;

  /** Does not connect yet. */
  constructor(url: DatabaseUrl, applicationName: string) {
    this.#url = url;
    this.#applicationName = applicationName;
  }

  /**
   * Runs one statement. After a failure of the connection the next call makes a new one.
   *
   * @param attempted what to say when it fails: `Cannot read the cursor of feed "foo"`
   * @throws AgentError
   */
  async query<Row extends object>(
    attempted: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Result<Row>> {
    try {
      const connection = await (this.#connection ??= connect(this.#url, this.#applicationName));
      return await connection.query<Row>(text, values);
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError)) await this.close();
      throw classifySourceError(cause, attempted);
    }
  }

  /**
   * Runs statements in one transaction, all or nothing.
   *
   * @param attempted what to say when it fails
   * @throws AgentError
   */
  async transaction(attempted: string, statements: readonly Statement[]): Promise<void> {
    await this.query(attempted, "BEGIN");
    try {
      for (const { text, values } of statements) await this.query(attempted, text, values);
      await this.query(attempted, "COMMIT");
    } catch (failure) {
      await this.close(); // rolls back
      throw failure;
    }
  }

  /** Closes the connection, if there is one. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    const opened = await connection?.catch(() => undefined);
    opened?.close();
  }
}
