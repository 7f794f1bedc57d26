import type { FeedEvent, Position } from "../change.ts";
import { type Check, failed, ok, type Outcome, warn } from "../check.ts";
import { AgentError } from "../errors.ts";
import type { Hlc } from "../hlc.ts";
import type { DatabaseUrl } from "../settings/database_url.ts";
import type { TableIds, TableRegister } from "../table_ids.ts";
import { quoteWholeName, type TableName } from "../table_name.ts";
import { NodePreflight } from "./node_preflight.ts";
import { changefeedRemedy } from "./remedies.ts";
import { schemaPoll } from "./schema_poll.ts";
import type { SqlConnection } from "./sql_connection.ts";

/** A changefeed that is opened for a moment. Every method throws AgentError. */
export interface FeedProbe {
  /** The cluster's clock. */
  now(): Promise<Hlc>;
  /** Tables whose deletions come with another key than their rows. */
  anonymousDeletions(): Promise<readonly string[]>;
  /** One session of the feed. */
  open(
    position: Position,
    register: TableRegister,
    signal: AbortSignal,
  ): AsyncIterable<readonly FeedEvent[]>;
}

/** What is checked of the cluster that holds the tables. */
export interface SourcePreflightOptions {
  /** How to reach it. */
  readonly database: DatabaseUrl;
  /** At least one. */
  readonly tables: readonly TableName[];
  /** The changefeed as it would run. */
  readonly feed: FeedProbe;
  /** What the feed's tables were when it ran last; `undefined` when that is not known. */
  readonly known: () => Promise<TableIds | undefined>;
  /** For questions. */
  readonly sql: SqlConnection;
  /** Aborts what would go on. */
  readonly signal: AbortSignal;
}

/** In milliseconds; a closed timestamp takes some seconds to come by default. */
const FIRST_ANSWER = 30_000;

/** Whether a changefeed can be had from CockroachDB: by having it for a moment. */
export class SourcePreflight {
  /** In the order in which they make sense. */
  readonly checks: readonly Check[];
  /** Names of the checks without which nothing can be asked. */
  readonly nodes: readonly string[];
  readonly #options: SourcePreflightOptions;

  /** Connects to nothing yet. */
  constructor(options: SourcePreflightOptions) {
    const { database, sql, signal } = options;
    const nodes = new NodePreflight(database, "CockroachDB", signal);
    this.#options = options;
    this.nodes = nodes.names;
    this.checks = [
      ...nodes.checks,
      { name: "changefeed", needs: nodes.names, run: () => this.#changefeed() },
      { name: "keys", needs: ["changefeed"], run: () => this.#keys() },
      { name: "latency", needs: nodes.names, run: () => schemaPoll(sql, database.user) },
    ];
  }

  /** What is wrong with tables, privileges, options or rangefeeds, CockroachDB says itself, one after the other. */
  async #changefeed(): Promise<Outcome> {
    const { database, tables } = this.#options;
    try {
      return ok(`opened as it will run, first answer after ${(await this.#open()).toFixed(1)} s`);
    } catch (failure) {
      const refusal = AgentError.from(failure);
      const names = tables.map((table) => quoteWholeName(table, database.database));
      return failed(refusal, changefeedRemedy(refusal, names, database.user));
    }
  }

  async #keys(): Promise<Outcome> {
    const tables = await this.#options.feed.anonymousDeletions();
    if (tables.length === 0) return ok("a row and its deletion have one");
    const names = tables.map((table) => `"${table}"`).join(", ");
    return warn(
      `${names}: a collated string in it, so deletions come with another key than their rows`,
      "--diff",
    );
  }

  /** From now on, without the whole tables, until the first row or resolved timestamp: how many seconds that takes. */
  async #open(): Promise<number> {
    const { feed, known, signal } = this.#options;
    const started = performance.now();
    const position = { cursor: await feed.now(), scanning: false };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(FIRST_ANSWER)]);
    const register = { known: await known(), keep: () => Promise.resolve() };
    for await (const _ of feed.open(position, register, patience)) {
      return (performance.now() - started) / 1000;
    }
    throw new AgentError("SourceSilent", `The changefeed sent nothing within ${FIRST_ANSWER / 1000} s`);
  }
}
