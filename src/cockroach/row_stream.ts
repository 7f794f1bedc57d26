import { Readable } from "node:stream";
import type { WireRow } from "./envelope.ts";

/** Rows and bytes held before the socket is paused. */
const HIGH_WATER_ROWS = 256;
const HIGH_WATER_BYTES = 64 * 1024;

/** What a row stream needs of pg's protocol layer. */
export interface Protocol {
  /** The socket. */
  readonly stream: Readable;
  /** Prepares the statement; `more` keeps it in the buffer. */
  parse(query: { name: string; text: string; types: [] }, more: true): void;
  /** Binds it; `binary` asks for binary results. */
  bind(config: { portal: string; statement: string; binary: string; values: [] }, more: true): void;
  /** Asks for the columns. */
  describe(message: { type: "P"; name: string }, more: true): void;
  /** Runs it; `rows` "0" is no limit. */
  execute(config: { portal: string; rows: string }, more: true): void;
  /** Sends all of it. */
  sync(): void;
}

/** What pg's parser gives for a DataRow. */
export interface DataRowMessage {
  /** Bytes of the message. */
  readonly length: number;
  /** The columns as text; binary JSON is text. */
  readonly fields: readonly (string | null)[];
}

/**
 * The result of a statement that never ends, row by row: a query for pg's `client.query`. It asks for the columns in
 * binary, so that the JSON arrives as text and not as `\x` hex (recording extended-binary), and without a row limit,
 * because CockroachDB fails a changefeed with one (recording execute-max-rows-portal).
 *
 * When the consumer is behind, the socket is paused, and CockroachDB waits.
 */
export class RowStream {
  readonly #sql: string;
  #protocol: Protocol | undefined;
  #rows: WireRow[] = [];
  #bytes = 0;
  #received = 0;
  #paused = false;
  #ended: { readonly cause: unknown } | undefined;
  #waiter: (() => void) | undefined;

  /**
   * Asks nothing yet.
   *
   * @param sql the changefeed statement
   */
  constructor(sql: string) {
    this.#sql = sql;
  }

  /** Rows received so far. */
  get received(): number {
    return this.#received;
  }

  /** True while the consumer is behind: rows are waiting for it, or the socket is paused. */
  get behind(): boolean {
    return this.#paused || this.#rows.length > 0;
  }

  /** Called by pg when the connection is free. */
  submit(protocol: Protocol): void {
    this.#protocol = protocol;
    protocol.parse({ name: "", text: this.#sql, types: [] }, true);
    protocol.bind({ portal: "", statement: "", binary: "true", values: [] }, true);
    protocol.describe({ type: "P", name: "" }, true);
    protocol.execute({ portal: "", rows: "0" }, true);
    protocol.sync();
  }

  /**
   * The rows that arrived since the last call, at least one; waits for them. `undefined` when the statement ended
   * without a failure.
   *
   * @throws the failure of the statement or the connection, after the rows before it
   */
  async next(): Promise<readonly WireRow[] | undefined> {
    if (this.#rows.length === 0 && this.#ended === undefined) {
      this.#resume();
      await new Promise<void>((resolve) => this.#waiter = resolve);
    }
    if (this.#rows.length > 0) {
      const rows = this.#rows;
      this.#rows = [];
      this.#bytes = 0;
      this.#resume();
      return rows;
    }
    if (this.#ended?.cause !== undefined) throw this.#ended.cause;
    return undefined;
  }

  /** Ends the stream from this side; `cause` is thrown to the consumer, if given. */
  end(cause?: unknown): void {
    this.#ended ??= { cause };
    this.#wake();
  }

  /** Called by pg. */
  handleRowDescription(): void {}

  /** Called by pg for every row; the rows of one read of the socket come in one go. */
  handleDataRow({ fields, length }: DataRowMessage): void {
    this.#rows.push({ table: fields[0] ?? null, key: fields[1] ?? null, value: fields[2] ?? null });
    this.#bytes += length;
    this.#received++;
    if (!this.#paused && (this.#rows.length >= HIGH_WATER_ROWS || this.#bytes >= HIGH_WATER_BYTES)) {
      this.#pause();
    }
    this.#wake();
  }

  /** Called by pg. */
  handleError(cause: unknown): void {
    this.end(cause);
  }

  /** Called by pg. */
  handleCommandComplete(): void {
    this.end();
  }

  /** Called by pg. */
  handleEmptyQuery(): void {
    this.end();
  }

  /** Called by pg. */
  handlePortalSuspended(): void {
    this.end();
  }

  /** Called by pg. */
  handleReadyForQuery(): void {
    this.end();
  }

  /**
   * Never by the socket's own `pause`, which stops a read that is under way: in Deno 2.6 its bytes and those
   * of the next read then share one buffer (2.6.10: 374 of 2,290 reads were damaged). The stream's own stops between two
   * reads, a buffer later.
   */
  #pause(): void {
    this.#paused = true;
    if (this.#protocol !== undefined) Readable.prototype.pause.call(this.#protocol.stream);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#protocol !== undefined) Readable.prototype.resume.call(this.#protocol.stream);
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}
