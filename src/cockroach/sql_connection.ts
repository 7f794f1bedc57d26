import "./driver_environment.ts"; // before pg
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

/**
 * A connection for short statements that is made when it is first needed, and again after it broke. What is asked at the same time
 * waits for its turn, so that nothing of somebody else's runs inside a transaction.
 */
export class SqlConnection {
  readonly #url: DatabaseUrl;
  readonly #applicationName: string;
  readonly #closed: AbortController = new AbortController();
  #connection: Promise<Connection> | undefined;
  /** The last in the queue is done; never rejects. */
  #last: Promise<unknown> = Promise.resolve();

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
    return await this.#run(attempted, (connection) => connection.query<Row>(text, values));
  }

  /**
   * Runs statements in one transaction, all or nothing.
   *
   * @param attempted what to say when it fails
   * @throws AgentError
   */
  async transaction(attempted: string, statements: Iterable<Statement>): Promise<void> {
    await this.#run(attempted, async (connection) => {
      try {
        await connection.query("BEGIN");
        for (const { text, values } of statements) await connection.query(text, values);
        await connection.query("COMMIT");
      } catch (failure) {
        await this.#drop(); // rolls back
        throw failure;
      }
    });
  }

  /** Closes the connection, if there is one, or is being made; no other is made. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#drop();
  }

  async #drop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    const opened = await connection?.catch(() => undefined);
    opened?.close();
  }

  #run<T>(attempted: string, run: (connection: Connection) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#attempt(attempted, run));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #attempt<T>(attempted: string, run: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await run(await this.#connected());
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError)) await this.#drop();
      throw classifySourceError(cause, attempted);
    }
  }

  /** A connection that broke while nobody used it is no failure of what is to be done now. */
  async #connected(): Promise<Connection> {
    if ((await this.#connection)?.broken) await this.#drop();
    return await (this.#connection ??= connect(this.#url, this.#applicationName, this.#closed.signal));
  }
}
