import type { FeedEvent, Position } from "../change.ts";
import type { ChangefeedOption } from "../settings/changefeed_option.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import { fullTableName, tableColumn, type TableName } from "../table_name.ts";
import type { TableRegister } from "../table_ids.ts";
import { Cluster } from "./cluster.ts";
import { type CollatedKeys, collatedKeys, tellsDeletedRows } from "./collated_key.ts";
import { connect } from "./connection.ts";
import { type EnvelopeOptions, envelopeReader, type WireRow } from "./envelope.ts";
import { classifySourceError } from "./errors.ts";
import { classifyQueryError } from "./query_error.ts";
import { RowStream } from "./row_stream.ts";
import type { SqlConnection } from "./sql_connection.ts";
import { asksForSource, changefeedStatement, envelopeShape } from "./statement.ts";
import { Watchdog } from "./watchdog.ts";
import { type WatchedOptions, WatchedTables } from "./watched_tables.ts";

/** Told about the sessions of a changefeed. */
export interface SourceObserver {
  /** How long CockroachDB keeps old versions, in seconds; `undefined` where it does not say. */
  gcTtl(seconds: number | undefined): void;
  /** A table is called otherwise than the feed calls it. */
  renamed(table: string, present: string): void;
  /** Deletions of these tables come with another key than their rows, and there is no telling which row it was. */
  anonymousDeletions(tables: readonly string[]): void;
  /** The node it is read from, `host:port (version)`; `undefined` when it is not any more. */
  source(node: string | undefined): void;
}

/** Settings of a changefeed. */
export interface ChangefeedOptions {
  /** The cluster. */
  readonly url: DatabaseUrl;
  /** Shown by CockroachDB in its list of sessions. */
  readonly applicationName: string;
  /** At least one. */
  readonly tables: readonly TableName[];
  /** A CDC query of the one table; `undefined`: whole rows. */
  readonly query: string | undefined;
  /** How often a resolved timestamp is asked for, in milliseconds. */
  readonly resolvedEvery: number;
  /** Send the row's value before the change too. */
  readonly diff: boolean;
  /** The operator's own options of the statement. */
  readonly options: readonly ChangefeedOption[];
  /** Told about each session. */
  readonly observe?: SourceObserver | undefined;
}

/** The changefeed of some tables: opened session by session, each on a connection of its own. */
export class Changefeed {
  readonly #options: ChangefeedOptions;
  readonly #sql: SqlConnection;
  readonly #cluster: Cluster;
  readonly #watchdog: Watchdog;
  readonly #name: string;

  /**
   * Connects to nothing yet.
   *
   * @param sql for the questions about the cluster
   */
  constructor(options: ChangefeedOptions, sql: SqlConnection) {
    this.#options = options;
    this.#sql = sql;
    this.#cluster = new Cluster(sql);
    this.#watchdog = new Watchdog(options.resolvedEvery);
    this.#name = options.tables.map((table) => `"${fullTableName(table, options.url.database)}"`).join(", ");
  }

  /**
   * Id of the cluster, a UUID; asked once.
   *
   * @throws AgentError
   */
  clusterId(): Promise<string> {
    return this.#cluster.clusterId();
  }

  /**
   * The cluster's clock.
   *
   * @throws AgentError
   */
  now(): Promise<Hlc> {
    return this.#cluster.now();
  }

  /**
   * Tables whose deletions come with another key than their rows, without a way to tell the row: a collated string is in the
   * key, and no row before, see collated_key.ts.
   *
   * @throws AgentError
   */
  async anonymousDeletions(): Promise<readonly string[]> {
    return this.#anonymous(await this.#collatedKeys());
  }

  #anonymous(collated: CollatedKeys): readonly string[] {
    return tellsDeletedRows(this.#options) ? [] : [...collated.keys()];
  }

  /** As of then, by the names that the tables had. */
  #collatedKeys(targets = this.#options.tables, at?: Hlc): Promise<CollatedKeys> {
    const { tables, url: { database }, options } = this.#options;
    const full = options.some(({ name }) => name === "full_table_name");
    const shown = tables.map((table) => tableColumn(table, database, full));
    return collatedKeys(this.#sql, { targets, shown, database, at });
  }

  /**
   * One session of the feed: what came with one read of the socket, again and again. It ends when the signal aborts;
   * its connection is closed when the loop over it is left.
   *
   * @param register the ids of the tables
   * @throws AgentError
   */
  async *open(
    position: Position,
    register: TableRegister,
    signal: AbortSignal,
  ): AsyncGenerator<readonly FeedEvent[]> {
    const { url, applicationName, tables, resolvedEvery, observe } = this.#options;
    const connection = await connect(url, applicationName, signal).catch((error: AgentError) => {
      if (!signal.aborted) throw error;
    });
    if (connection === undefined) return;
    const { address, version } = connection;
    let stream: RowStream | undefined, watching: { stop(): void } | undefined;
    const end = () => stream?.end();
    try {
      this.#cluster.gcTtl(tables).then((seconds) => observe?.gcTtl(seconds), () => {}); // asked again next time
      const watched = await WatchedTables.at(
        position.cursor,
        register.known,
        this.#watched(),
        this.#sql,
        version,
      );
      await register.keep(watched.ids);
      const collated = await this.#collatedKeys(watched.targets, position.cursor);
      const anonymous = this.#anonymous(collated);
      if (anonymous.length > 0) observe?.anonymousDeletions(anonymous);
      const read = envelopeReader({ ...this.#envelope(position, watched), collated });
      const updatedOf = (row: WireRow) => {
        const event = read(row);
        return event.kind === "change" ? event.updated : undefined;
      };
      const statement = {
        ...this.#options,
        tables: watched.targets,
        resolvedEvery,
        cursor: position.cursor,
        initialScan: position.scanning,
      };
      stream = new RowStream(changefeedStatement(statement, version));
      signal.addEventListener("abort", end);
      observe?.source(`${address} (${version.text})`);
      if (signal.aborted) return;
      watching = this.#watchdog.watch(stream);
      connection.stream(stream);
      for (let rows = await stream.next(); rows !== undefined; rows = await stream.next()) {
        if (!watched.areKnown(rows)) await watched.admit(rows, updatedOf);
        yield rows.map(read);
      }
    } catch (cause) {
      throw this.#failure(cause, address);
    } finally {
      watching?.stop();
      signal.removeEventListener("abort", end);
      connection.close();
      observe?.source(undefined);
    }
  }

  #watched(): WatchedOptions {
    const { url: { database }, observe } = this.#options;
    return { ...this.#options, database, renamed: (table, present) => observe?.renamed(table, present) };
  }

  #envelope({ cursor, scanning }: Position, { shownFor }: WatchedTables): EnvelopeOptions {
    const { options, diff } = this.#options, shape = envelopeShape(options);
    const keepUpdated = shape === "enriched"
      ? asksForSource(options)
      : options.some(({ name }) => name === "updated");
    return { shape, keepUpdated, diff, shownFor, scanTimestamp: scanning ? cursor : undefined };
  }

  /** Only where the operator asked for it does a schema change end the feed for good. */
  #failure(cause: unknown, address: string): AgentError {
    const { options, query } = this.#options;
    const classify = query === undefined ? classifySourceError : classifyQueryError;
    const error = classify(cause, `Cannot read the changefeed of ${this.#name} at "${address}"`);
    const stops = options.some(({ name, value }) => name === "schema_change_policy" && value === "stop");
    return stops && error.kind === "PrimaryKeyChanged"
      ? new AgentError("SchemaChanged", error.message, { cause })
      : error;
  }
}
