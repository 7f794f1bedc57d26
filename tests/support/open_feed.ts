import assert from "node:assert/strict";
import pg from "pg";
import type { WireRow } from "../../src/cockroach/envelope.ts";
import { RowStream } from "../../src/cockroach/row_stream.ts";

/** A changefeed on a connection of its own, read row by row. */
export class OpenFeed implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #stream: RowStream;
  #rows: readonly WireRow[] = [];

  private constructor(client: pg.Client, stream: RowStream) {
    this.#client = client;
    this.#stream = stream;
  }

  /** @param target what follows the word FOR */
  static async open(url: string, target: string, application = "test"): Promise<OpenFeed> {
    const client = new pg.Client({ connectionString: url, application_name: application });
    client.on("error", () => {});
    await client.connect();
    const stream = new RowStream(`EXPERIMENTAL CHANGEFEED FOR ${target}`);
    client.query(stream);
    return new OpenFeed(client, stream);
  }

  /** The next row, whatever it is. */
  async next(): Promise<WireRow> {
    while (this.#rows.length === 0) {
      const rows = await this.#stream.next();
      assert.ok(rows, "the feed ended");
      this.#rows = rows;
    }
    const [row, ...rest] = this.#rows;
    this.#rows = rest;
    return row!;
  }

  /** The next row that is no resolved timestamp. */
  async row(): Promise<WireRow> {
    for (;;) {
      const row = await this.next();
      if (row.table !== null) return row;
    }
  }

  /** The next rows that are no resolved timestamps, as `key value`. */
  async changes(count: number): Promise<string[]> {
    const changes: string[] = [];
    while (changes.length < count) {
      const { key, value } = await this.row();
      changes.push(`${key} ${value}`);
    }
    return changes;
  }

  /** The next resolved timestamp; no change may come before it. */
  async resolved(): Promise<string> {
    const { table, value } = await this.next();
    assert.equal(table, null);
    return /"resolved":"([^"]*)"/.exec(value!)![1]!;
  }

  /** How it fails, whatever comes before. */
  async failure(): Promise<{ code?: string; message: string }> {
    try {
      for (;;) await this.next();
    } catch (error) {
      return error as Error;
    }
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
